extension Nursery {
  /// Spawns a child that runs `body`, and returns the operation that commits when it has ended, with its value.
  ///
  ///     let page = try await renderers.submit { try render(template) }.perform()
  ///
  /// As `goAsync`, but for callers that do not know whether the nursery still runs: any fiber, thread or task that has a
  /// reference to it. If it has closed, the operation fails with `NurseryClosedError`, and `body` never runs. The
  /// child's error is the operation's, and does not fail the nursery; if no perform has received it when the operation
  /// is dropped, it is reported as suppressed. A branch that loses does not cancel the child.
  ///
  /// Never blocks. The operation can be performed again, and has the same outcome; it fails with `CancellationError` if
  /// the nursery was cancelled before the child began.
  ///
  /// - Parameters:
  ///   - name: shown in dumps and messages.
  ///   - placement: the worker on which the child begins and stays; nil for the nursery's placement.
  public func submit<Value: Sendable>(
    _ name: String? = nil, placement: Placement? = nil, file: StaticString = #fileID, line: UInt = #line,
    _ body: sending @escaping () throws -> Value
  ) -> Op<Value> {
    let submission = record.whileOpen {
      let failure = SubmittedFailure(record.suppressedErrorHandler)
      let child = record.spawn(name, SourceSite(file: file, line: line), placement: placement) {
        do {
          return Result<Value, any Error>.success(try body())
        } catch {
          failure.set(error)
          return .failure(error)
        }
      }
      return (child, failure)
    }
    guard let (child, failure) = submission else { return .failing(NurseryClosedError(record)) }
    return child.waitOp().wrap { result in
      failure.noteReceived()
      return try result.get()
    }
  }
}

/// Hands a failure to the handler if its last reference ends before a perform has received it.
private final class SubmittedFailure: Sendable {
  private let error = Protected<(any Error)?>(nil)
  private let handler: @Sendable (any Error) -> Void

  init(_ handler: @escaping @Sendable (any Error) -> Void) {
    self.handler = handler
  }

  deinit {
    if let error = error.withLock({ $0 }), !(error is CancellationError) { handler(error) }
  }

  func set(_ error: any Error) { self.error.withLock { $0 = error } }
  func noteReceived() { error.withLock { $0 = nil } }
}
