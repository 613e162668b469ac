/// Opens a nursery, runs `body` in it, and returns when the body and every child have ended.
///
///     try withNursery { nursery in
///       let answer = nursery.goAsync { try compute() }
///       nursery.goAsync { try watch() }
///       print(try answer.wait())
///       nursery.cancel()
///     }
///
/// The body runs on the caller's own fiber and may capture and change local variables. Outside any scheduler it starts
/// one on the calling thread.
///
/// Waiting for the children cannot be cancelled, but a cancellation reaches them. The nursery absorbs its own
/// cancellation, by `cancel` or at the end of a drain's grace. If that ended the body, `withNursery` returns if the
/// result is `Void`; else it throws `NurseryCancelledError`.
///
/// - Parameters:
///   - name: shown in dumps and messages.
///   - policy: the effect of a failing child on its siblings and on the caller.
///   - limit: how many children run at once. Further children wait for their turn, first come, first served; `goAsync`
///     itself does not wait. A child of a full nursery that waits for a sibling may wait for ever. Traps if it is less
///     than 1; nil for no limit.
///   - placement: the worker on which children begin and stay unless they say it themselves. It does not apply to
///     daemons and to nested nurseries.
///   - configuration: of the scheduler that it starts; nil for the default, or what a trait of the test says, and
///     inside a scheduler.
/// - Throws: `ConfigurationError`, also for a configuration inside a scheduler; the body's error, or the children's failures as `policy` says; `NurseryCancelledError`;
///   `CancellationError` if an enclosing scope is cancelled and that ended the body, or a child although the body has
///   returned a value.
/// - Returns: the body's value.
@available(*, noasync, message: "it blocks its thread; in async code, write 'try await withNursery { }'")
@discardableResult
public func withNursery<Result>(
  _ name: String = "", onFailure policy: FailurePolicy = .failFast, limit: Int? = nil, placement: Placement = .here,
  _ configuration: Configuration? = nil, file: StaticString = #fileID, line: UInt = #line,
  _ body: (Nursery) throws -> Result
) throws -> Result {
  let site = SourceSite(file: file, line: line)
  if let limit, limit < 1 {
    fatalError("\(site): withNursery(limit: \(limit)): no child could ever run; write 1 or more, or leave it out")
  }
  guard Scheduler.current != nil else {
    return try openRun(configuration, name, site, policy, limit: limit ?? .max, placement, body)
  }
  if configuration != nil {
    throw ConfigurationError(
      "\(site): withNursery with a configuration, inside a scheduler, which has its own; leave the configuration out, or write runFibers(configuration) { } for another scheduler"
    )
  }
  return try openNursery(name, site, policy, limit: limit ?? .max, placement, body)
}

/// Starts a scheduler with its outermost nursery.
func openRun<Result>(
  _ configuration: Configuration?, _ name: String, _ site: SourceSite, _ policy: FailurePolicy, limit: Int,
  _ placement: Placement = .here, _ body: (Nursery) throws -> Result
) throws -> Result {
  let run = TestRuns.Run(configuration)
  defer { run.end() }
  return try Scheduler.run(run.configuration) {
    try openNursery(name, site, policy, limit: limit, placement) { nursery in
      run.note(nursery)
      return try body(nursery)
    }
  }
}

func openNursery<Result>(
  _ name: String, _ site: SourceSite, _ policy: FailurePolicy, limit: Int,
  _ placement: Placement = .here, _ body: (Nursery) throws -> Result
) throws -> Result {
  let host = Performer.current()
  return try Nursery(host: host, name, site, policy: policy, limit: limit, placement).run(host, body)
}

/// Runs `body` as the root fiber of a new scheduler, in a nursery, on the calling thread, which is blocked meanwhile.
///
/// On a fiber it blocks that fiber's worker, and all fibers that have begun there. Open a nursery there instead.
///
/// - Parameter configuration: of the scheduler; nil for the default, or what a trait of the test says.
/// - Throws: `ConfigurationError`; the body's error; or the first failure of a fiber spawned with `goAsync`.
@available(*, noasync, message: "it blocks its thread; in async code, write 'try await withNursery { }'")
@discardableResult
public func runFibers<Result>(
  _ configuration: Configuration? = nil, file: StaticString = #fileID, line: UInt = #line,
  _ body: () throws -> Result
) throws -> Result {
  try openRun(configuration, "", SourceSite(file: file, line: line), .failFast, limit: .max) { _ in try body() }
}
