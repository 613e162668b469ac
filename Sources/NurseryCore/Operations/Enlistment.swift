/// The state that the waiters of one perform share: one object for each wait of a perform with user primitives among
/// its leaves.
///
/// The methods of a primitive are user code, which may call anything: perform another operation, check for a
/// cancellation, cancel. So they never run while the performer's claim word belongs to this perform. The waiters are
/// enlisted before the perform is opened, and withdrawn after this wait has ended; a perform with I/O branches may wait
/// again, with another object:
///
///     preparing -- every waiter is enlisted, the perform is open --> armed -- the perform has ended --> ended
///         |                                                                                              ^
///         +-- a waiter is committed (the performer has not gone on yet) --> decided --------------------+
///
/// Until `armed` no other branch can commit, so the first commit wins under the lock. It needs no wakeup: the performer
/// is running, and finds it before it opens the perform. From `armed` on the claim word decides, and a commit wakes the
/// performer. The number of the perform (`epoch`) keeps a late commit from a later perform of the same fiber.
@usableFromInline
final class Enlistment: @unchecked Sendable {
  private enum Phase {
    case preparing
    case decided
    case armed(epoch: UInt64)
    case ended
  }

  private let lock = SpinLock(.leaf)
  private let performer: FiberRef
  /// Whether the perform has I/O branches, so that it may wait again with new waiters.
  let mayWaitAgain: Bool
  @exclusivity(unchecked) private var phase = Phase.preparing
  /// The branch whose waiter was committed while the perform was being prepared.
  @exclusivity(unchecked) private(set) var winner: Int32 = -1

  init(_ performer: FiberRef, mayWaitAgain: Bool) {
    self.performer = performer
    self.mayWaitAgain = mayWaitAgain
  }

  /// Commits the perform with a branch; false if it has ended, or another branch has committed.
  ///
  /// - Parameter store: puts the value into the perform's slot; called at most once.
  func commit(_ offer: OfferRef, _ store: (UnsafeMutableRawPointer) -> Void) -> Bool {
    lock.lock()
    switch phase {
    case .preparing:
      store(offer.pointee.slot)
      winner = offer.pointee.index
      phase = .decided
      lock.unlock()
      return true
    case .armed(let epoch):
      lock.unlock()
      guard performer.commit(expectedEpoch: epoch) else { return false }
      store(offer.pointee.slot)
      offer.win()
      performer.makeReadyUnderLock()
      return true
    case .decided, .ended:
      lock.unlock()
      return false
    }
  }

  /// Whether a waiter was committed while the perform was being prepared.
  var isDecided: Bool {
    lock.lock()
    defer { lock.unlock() }
    if case .decided = phase { return true }
    return false
  }

  /// Lets the claim word of the performer decide from now on; false if a waiter was committed before.
  func arm(epoch: UInt64) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    guard case .preparing = phase else { return false }
    phase = .armed(epoch: epoch)
    return true
  }

  /// Refuses every later commit.
  func end() {
    lock.lock()
    phase = .ended
    lock.unlock()
  }
}
