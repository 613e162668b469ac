/// Opens a nursery that shuts down gracefully when this process is asked to end: by Control-C, or by a service manager.
///
///     try withGracefulShutdown(grace: .seconds(10)) { nursery in
///       try serve(nursery)
///     }
///
/// The first of the signals drains the nursery (`Nursery.drain`): fibers that watch `drainingOp()` finish, and the
/// remaining fibers are cancelled when the grace is over. The second signal cancels at once. Once the nursery is
/// cancelled, the listener is closed, so a third signal has its previous effect, and ends a process that hangs.
///
/// - Parameters:
///   - grace: how long the nursery may take to end by itself.
///   - signals: the signals that begin the shutdown.
///   - report: called with a dump of the fibers when the grace is over and some have not ended, before these are
///     cancelled: the dump tells what has held up the shutdown. On a fiber of the nursery, so not if no worker is free
///     within a second: then they are cancelled all the same.
///   - name, policy, limit, placement, configuration: as of `withNursery`.
/// - Throws: as `withNursery`: if the body still waits when the grace is over, and a value is due,
///   `NurseryCancelledError`. `SystemError` if the signals cannot be listened to.
/// - Returns: the body's value.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func withGracefulShutdown<Result>(
  _ name: String = "", grace: Duration, signals: [Signal] = [.interrupt, .terminate],
  onGraceOver report: (@Sendable (FiberDump) -> Void)? = nil,
  onFailure policy: FailurePolicy = .failFast, limit: Int? = nil, placement: Placement = .here,
  _ configuration: Configuration? = nil, file: StaticString = #fileID, line: UInt = #line,
  _ body: (Nursery) throws -> Result
) throws -> Result {
  try withNursery(
    name, onFailure: policy, limit: limit, placement: placement, configuration, file: file, line: line
  ) { nursery in
    let listener = try SignalListener(signals)
    nursery.goAsync("graceful shutdown", daemon: true, file: file, line: line) {
      defer { listener.close() }
      _ = try listener.wait()
      nursery.drain(grace: report == nil ? grace : grace + .seconds(1))
      var second: Signal?
      if let report {
        second = try choose(
          listener.waitOp().wrap { Optional($0) }, sleepOp(for: grace).wrap { nil })
        if second == nil {
          report(FiberDump.current())
          return nursery.drain(grace: .zero)
        }
      }
      nursery.cancel("\(try second ?? listener.wait()) came while it was draining")
    }
    return try body(nursery)
  }
}
