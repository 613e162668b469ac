import Synchronization

/// Swift tasks perform operations too: an operation suspends the task as it would suspend a fiber.
///
/// A task has no stack to leave a perform on, and no thread of its own. So it takes a record for one perform, and gives
/// it back to whichever thread it ends on; `TaskFrame` holds what does not fit into the record. A perform runs on the
/// caller's executor: up to the suspension, and again from the wakeup on. So guards, primitives, nacks and wraps run in
/// the caller's isolation, and never at once with other code of that actor. A task has no scopes, no fiber-locals and
/// no `Fiber.current`; its timers are real time. A blocking call inside a guard or a wrap is a plain thread's.
///
/// How it parks: one word of the record (`savedStack`) decides the race between the task and its committer.
///
///     running -- the task, compare-exchange --> continuation -- makeReady, exchange --> woken: the committer resumes it
///        |                                                                                |
///        +-- makeReady, exchange --> woken -- the task finds it and goes on               |
///        ^                             |                                                  |
///        +---- the task, a store ------+--------------------------------------------------+
///
/// The later party completes the other. After its exchange `makeReady` no longer touches the record, which may be
/// another task's by then.
///
/// How it is cancelled: the handler is installed when the offers are linked and the claim word is `waiting`. The runtime
/// calls it if the task is cancelled from then on, and at once if it was cancelled before; so no cancellation is
/// missed, and no mark is needed. The handler commits the perform as any other committer does. So if it wins, no branch
/// has committed; if it does not, it does nothing. A late handler finds another number of the perform in the claim
/// word. (Tests/Models/task.pml checks park, wake and cancel.)
@usableFromInline
package enum TaskPerformer {
  /// The states of the word; any other value is a continuation.
  private static var running: UInt { 0 }
  private static var woken: UInt { 1 }

  /// A record for one perform of the current task.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  @usableFromInline
  static func begin() throws -> FiberRef {
    if Task.isCancelled { throw CancellationError() }
    return makeRecord()
  }

  static func makeRecord() -> FiberRef {
    let record = FiberSlab.allocate(Worker.ofThisThread)
    let worker = OutsideThread.worker
    record.pointee.renew(.task, id: 0, worker: worker, home: worker.pointee.loop.home, locals: nil)
    let driven = driven
    driven?.beginOperation()
    record.pointee.wait.isDriven = driven != nil
    return record
  }

  /// Gives the record back; the perform has ended.
  @usableFromInline
  static func end(_ record: FiberRef) { FiberSlab.free(record) }

  /// Suspends the task, which has left so many offers, until its record is made ready, possibly by a cancellation.
  @usableFromInline
  nonisolated(nonsending) static func suspend(_ me: FiberRef, _ offers: OfferRef, _ count: Int) async {
    #if DEBUG
      LockRank.assertNoneIsHeld()
    #endif
    nonisolated(unsafe) let me = me
    me.showOffers(offers, count)
    let driven = me.pointee.wait.isDriven ? driven : nil
    driven?.park()
    if me.pointee.savedStack.load(ordering: .acquiring) == running {
      let epoch = me.epoch
      await withTaskCancellationHandler {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
          let isParked = me.pointee.savedStack.compareExchange(
            expected: running, desired: unsafeBitCast(continuation, to: UInt.self), ordering: .acquiringAndReleasing
          ).exchanged
          if !isParked { continuation.resume() }
        }
      } onCancel: {
        guard me.commit(expectedEpoch: epoch) else { return }
        me.noteCancellation()
        wake(me)
      }
    }
    // Acquires what the committer wrote: a sanitizer does not see the order that the runtime's continuation makes.
    _ = me.pointee.savedStack.exchange(running, ordering: .acquiring)
    driven?.unpark()
    me.hideOffers()
  }

  /// Whether a perform of the current task is a scheduling point; then call `pause`.
  @usableFromInline
  static var isSchedulingPoint: Bool { driven != nil }

  @usableFromInline
  nonisolated(nonsending) static func pause() async { await driven?.pause() }

  /// The async functions in which a task is suspended, from the word that it parks on.
  static func frames(_ word: UInt) -> [UInt] { word == woken ? [] : AsyncFrames.of(continuation: word) }

  /// Resumes a task that the caller, which holds no lock, has committed.
  static func wake(_ record: FiberRef) {
    #if DEBUG
      LockRank.assertNoneIsHeld()
    #endif
    let found = record.pointee.savedStack.exchange(woken, ordering: .acquiringAndReleasing)
    if found != running { unsafeBitCast(found, to: UnsafeContinuation<Void, Never>.self).resume() }
  }
}

extension FiberRef {
  /// Lets dumps see what the task waits for; as `parkUnlessCancelled` does for a fiber.
  fileprivate func showOffers(_ offers: OfferRef, _ count: Int) {
    // The worker is the helper thread's, whose turn says nothing of the task.
    pointee.wait.since.store(System.coarseMonotonicNow(), ordering: .relaxed)
    pointee.wait.offers = offers
    pointee.wait.offerCount.store(-Int32(truncatingIfNeeded: count), ordering: .releasing)
  }

  /// The task has been woken, and takes its offers back when no dump reads them.
  fileprivate func hideOffers() {
    endLook()
    pointee.wait.offerCount.store(0, ordering: .relaxed)
  }
}
