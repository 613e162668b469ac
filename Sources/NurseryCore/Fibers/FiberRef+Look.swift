import CSwitch
import Synchronization

// How a dump reads, from another thread, what a parked fiber waits for.
//
// The offers lie on the fiber's stack, and the objects that it waits on are kept alive by its frames. So the fiber must
// not go on while it is read. A claim would decide its perform; instead the reader holds it back after its wakeup:
//
//     reader                                      fiber
//     isLookedAt = true                           committed by any party, made ready, picked
//     heavy fence                                 isLookedAt ? spins until it is false
//     claim word: waiting? offers there? reads    offers = none, goes on
//     isLookedAt = false
//
// The fiber pays for one load. Invariant: if the reader finds a perform that waits, its fiber finds the mark after the
// wakeup. Either the fiber's look came before the fence: then the commit that woke it did, too, and the reader finds
// the perform committed. Or it comes after the fence: then it finds the mark. (A perform that begins meanwhile is no
// exception: the reader finds that one, and its fiber looks later still.)
//
// A reader takes locks of queues at most and runs no code of the user's, so a fiber is held back for a moment. One
// reader at a time: they exclude each other by a lock.
extension FiberRef {
  /// The fiber begins to wait, as a parking one does; for those that say before that they wait.
  @inline(__always)
  func noteWaiting() {
    pointee.wait.since.store(pointee.worker.pointee.pace.turnTime, ordering: .relaxed)
  }

  /// The fiber has been woken; its offers stand still.
  @inline(__always)
  func endLook() {
    #if !arch(x86_64)
      // Where the kernel has no barrier for other threads; else nothing.
      cs_fence_light()
    #endif
    if pointee.wait.isLookedAt.load(ordering: .acquiring) { outlastLook() }
  }

  @inline(never)
  private func outlastLook() {
    spin { pointee.wait.isLookedAt.load(ordering: .acquiring) }
  }

  /// Calls `read` for each of the fibers, none of which goes on with a wait that is read meanwhile.
  ///
  /// Their records exist.
  static func look(at fibers: ArraySlice<FiberRef>, _ read: (FiberRef) -> Void) {
    for fiber in fibers { fiber.pointee.wait.isLookedAt.store(true, ordering: .sequentiallyConsistent) }
    cs_fence_heavy()
    for fiber in fibers {
      read(fiber)
      fiber.pointee.wait.isLookedAt.store(false, ordering: .releasing)
    }
  }

  /// The offers of a fiber that is looked at; none if it does not wait in a perform.
  var offersLookedAt: UnsafeBufferPointer<Offer> {
    // The word first: a reader that sees a perform wait also sees that the one before has no offers.
    let isWaiting = Claim.state(pointee.claim.load(ordering: .acquiring)) == Claim.waiting
    let count = isWaiting ? Int(pointee.wait.offerCount.load(ordering: .acquiring).magnitude) : 0
    return UnsafeBufferPointer(start: count > 0 ? pointee.wait.offers : nil, count: count)
  }

  /// Whether it is a task's record, and the task waits.
  var isWaitingTask: Bool { pointee.wait.offerCount.load(ordering: .acquiring) < 0 }
}
