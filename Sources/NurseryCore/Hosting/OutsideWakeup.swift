import Synchronization

/// Says that something outside is going to wake a fiber of this scheduler: a task, a callback, a thread of some
/// library.
///
/// A scheduler knows of timers, descriptors, `blocking` and its own fibers. It does not know that a `Task` is going to
/// signal a condition. So a scheduler with a virtual clock would jump to the next timer meanwhile, and a deterministic
/// one would report a deadlock. While one of these exists and has not been ended, no deadlock is reported and virtual
/// time stands still.
///
///     let wakeup = OutsideWakeup()
///     client.fetch { reply in
///       replies.signal(reply)
///       wakeup.end()
///     }
///
/// Signal first, then end it. `withOutsideWakeup` does it for a call that waits. It counts for the scheduler of the
/// fiber that creates it; any thread may end it, also when the run is over. Under `exploreSchedules` the outside is not
/// explored: the report is not exhaustive.
public final class OutsideWakeup: Sendable {
  private let scheduler: Scheduler?
  private let isEnded = Atomic<Bool>(false)

  /// Begins to count for the scheduler of the calling fiber.
  ///
  /// On a plain thread it counts for every scheduler of the process: none reports a deadlock.
  public init() {
    scheduler = Scheduler.current
    scheduler?.decisions?.dependsOnOutside = true
    if let scheduler { scheduler.beginOutsideWakeup() } else { OutsideReactor.beginWait() }
  }

  deinit { end() }

  /// Ceases to count; never blocks.
  ///
  /// Ending it again does nothing. The last reference's end ends it too.
  public func end() {
    if isEnded.exchange(true, ordering: .acquiringAndReleasing) { return }
    if let scheduler { scheduler.endOutsideWakeup() } else { OutsideReactor.endWait() }
  }
}

/// Runs `body`, which waits for something that the scheduler does not know of; see `OutsideWakeup`.
///
///     let value = try withOutsideWakeup {
///       let reply = Channel<Reply>(.bounded(1))
///       Task { _ = try? reply.trySend(await client.fetch()) }
///       return try reply.receive()
///     }
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func withOutsideWakeup<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  let wakeup = OutsideWakeup()
  defer { wakeup.end() }
  return try body()
}

extension Scheduler {
  func beginOutsideWakeup() {
    visitors.announced.add(1, ordering: .sequentiallyConsistent)
  }

  /// Wakes a worker if all sleep: time may go on now, or nothing can happen any more.
  func endOutsideWakeup() {
    // As in `inject`: the run does not end while it is counted here, and one that has ended is not touched.
    visitors.handing.add(1, ordering: .sequentiallyConsistent)
    defer { visitors.handing.subtract(1, ordering: .releasing) }
    let left = visitors.announced.subtract(1, ordering: .sequentiallyConsistent).newValue
    if left == 0, !isStopping.load(ordering: .sequentiallyConsistent), workers.areAllAsleep { wakeWorker() }
  }
}
