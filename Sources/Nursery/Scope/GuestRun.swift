import Synchronization

/// A run of fibers on a thread whose event loop belongs to others: the main thread's, or one of NIO's.
///
///     let run = try GuestRun(postingBy: { turn in DispatchQueue.main.async(execute: turn) }) { nursery in
///       nursery.goAsync { try followChanges() }
///       try serve()
///     } whenDone: { result in
///       show(result)
///     }
///
/// The loop stays in charge: it is asked, by `post`, to call a closure, a turn. Each turn runs fibers until none can go
/// on, or for about a millisecond; then the loop has its thread back. Fibers never block that thread with a wait: a
/// helper thread waits for timers and descriptors in its place, and then posts the next turn. A fiber that computes, or
/// calls what blocks a thread, holds the loop up, as any callback does; see `blocking`.
///
/// Fibers run on the loop's thread and stay there, so they may use what belongs to it; on the main thread
/// `MainActor.assumeIsolated` holds between two waits. With `parallelism` above 1, fibers that are spread or taken over
/// run on other workers, with threads of their own; write 1 to keep all of them on the loop. All turns must come on one
/// thread. Those of a Dispatch queue other than the main one do not: for such a loop pass
/// `Configuration(migration: .whenWaiting)`, and heed what that says.
///
/// A wait of the loop's other code can wake a fiber at any time, so no deadlock is reported.
public final class GuestRun: Sendable {
  private let guest: Guest
  private let control: Control

  /// Posts the first turn, which runs `body` in a nursery, and returns.
  ///
  /// - Parameters:
  ///   - configuration: as for `runFibers`.
  ///   - post: has the loop call the closure that it is given, once, on its thread; callable from any thread. It throws
  ///     if the loop has ended; then everything that runs is cancelled, and goes on to its end on the thread that was
  ///     refused, a helper's perhaps.
  ///   - body: the body of the run, on the loop's thread.
  ///   - whenDone: called on the loop's thread when the body and every fiber have ended, with the body's value, or with the error
  ///     that `withNursery` would throw, or with `EventLoopEndedError`.
  /// - Throws: `ConfigurationError`; `StackError` if there is no memory for the run's stack; what `post` throws.
  @discardableResult
  public init<Value>(
    _ configuration: Configuration = Configuration(), file: StaticString = #fileID, line: UInt = #line,
    postingBy post: @escaping @Sendable (_ turn: @escaping @Sendable () -> Void) throws -> Void,
    _ body: @escaping @Sendable (Nursery) throws -> Value,
    whenDone: @escaping @Sendable (Result<Value, any Error>) -> Void
  ) throws {
    let site = SourceSite(file: file, line: line)
    let control = Control()
    let run = Run<Value>(configuration)
    guest = try Guest(
      stackSize: configuration.stackSize, mayChangeThread: configuration.migration == .whenWaiting, post: post,
      whenLoopEnds: control.endLoop,
      body: {
        run.result = Result {
          try Scheduler.run(run.configuration) {
            try openNursery("", site, .failFast, limit: .max) { nursery in
              control.open(nursery)
              let value = try body(nursery)
              run.hasReturned = true
              return value
            }
          }
        }
      },
      whenEnded: {
        if let result = run.result { whenDone(control.ending(result, hasReturned: run.hasReturned)) }
      })
    run.configuration.guest = guest
    self.control = control
    try guest.begin()
  }

  /// Cancels the body and everything that it has started, as `Nursery.cancel` does; callable from any thread.
  ///
  /// Returns at once. Does nothing if the run has ended.
  public func cancel() { control.cancel() }

  /// Goes on without the loop, which is about to end or has ended: cancels everything, runs it to its end on the
  /// calling thread, which is blocked meanwhile, and returns after `whenDone`.
  ///
  /// To be called by the loop's own code, on its thread; it traps in a fiber of the run. Does nothing if the run has
  /// ended. A loop that ends without it, and without throwing in `post`, leaves the fibers suspended for ever.
  public func finish() { guest.finish(EventLoopEndedError(cause: nil)) }
}

/// The event loop that ran the fibers of a `GuestRun` has ended before they had.
public struct EventLoopEndedError: Error, CustomStringConvertible {
  /// What its `post` has thrown; nil after `finish`.
  public let cause: (any Error)?

  /// What has ended, and what to write instead.
  public var description: String {
    let reason = cause.map { ": its post has thrown \($0)" } ?? ", as finish() said"
    return
      "the event loop of a GuestRun has ended before its fibers\(reason); they have been cancelled; call cancel() and wait for whenDone before the loop is shut down"
  }
}

extension GuestRun {
  /// What the body leaves, on the loop's thread.
  private final class Run<Value> {
    var configuration: Configuration
    var result: Result<Value, any Error>?
    /// Whether the body has, by itself.
    var hasReturned = false

    init(_ configuration: Configuration) { self.configuration = configuration }
  }

  /// Cancels the run, whose nursery may not have been opened.
  private final class Control: Sendable {
    private let state = Mutex(State())

    private struct State {
      var nursery: Nursery?
      var isCancelled = false
      var loopError: EventLoopEndedError?
    }

    func open(_ nursery: Nursery) {
      let isCancelled = state.withLock { state in
        state.nursery = nursery
        return state.isCancelled
      }
      if isCancelled { nursery.cancel() }
    }

    func cancel() {
      let nursery = state.withLock { state in
        state.isCancelled = true
        return state.nursery
      }
      nursery?.cancel()
    }

    func endLoop(_ error: any Error) {
      state.withLock { $0.loopError = error as? EventLoopEndedError ?? EventLoopEndedError(cause: error) }
      cancel()
    }

    /// A value that the body has returned stands, and so does an error of the program's own.
    func ending<Value>(_ result: Result<Value, any Error>, hasReturned: Bool) -> Result<Value, any Error> {
      let error = state.withLock { state in
        state.nursery = nil
        return state.loopError
      }
      guard let error, !hasReturned else { return result }
      if case .failure(let ending) = result, !(ending is CancellationError || ending is NurseryCancelledError) {
        return result
      }
      return .failure(error)
    }
  }
}
