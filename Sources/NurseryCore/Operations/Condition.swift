import Synchronization

/// A condition that becomes true once and stays true: the simplest thing to wait for.
///
/// Any number of fibers and threads may wait; `signal()` releases them all, and later waits return at once.
public final class Condition: OperationSource, @unchecked Sendable {
  private let lock = SpinLock(.queue)
  private let signalled = Atomic<Bool>(false)
  @exclusivity(unchecked) private var waiters = WaitQueue()
  /// For the cancellation of a scope: the instant from which the condition holds although nothing has signalled it yet.
  let expiry = Atomic<Int64>(.max)
  /// For dumps and deadlock reports.
  private let what: StaticString

  /// Creates a condition that is not true yet.
  public convenience init() { self.init("a condition") }

  @usableFromInline
  package init(_ what: StaticString) {
    self.what = what
    super.init(slotSize: 0)
  }

  /// Whether `signal()` has been called.
  public var isSignalled: Bool { signalled.load(ordering: .acquiring) }

  /// Makes the condition true and wakes all waiters.
  ///
  /// Never blocks; calling it again does nothing.
  public func signal() {
    lock.lock()
    signalled.store(true, ordering: .releasing)
    waiters.wakeAll()
    lock.unlock()
  }

  /// Waits until the condition is true.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func wait() throws { try waitOp().perform() }

  /// The operation that commits once the condition is true.
  public func waitOp() -> Op<Void> { Op(self) }

  override package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    if !attempt.enlists {
      guard holds(for: offer.pointee.performer) else { return .pending }
      offer.win()
      return .committed
    }
    lock.lock()
    defer { lock.unlock() }
    guard holds(for: offer.pointee.performer) else {
      waiters.enlist(offer, attempt)
      return .pending
    }
    guard offer.commits(attempt) else { return .lost }
    offer.win()
    return .committed
  }

  private func holds(for performer: FiberRef) -> Bool {
    if isSignalled { return true }
    let expiry = expiry.load(ordering: .relaxed)
    return expiry != .max && expiry <= performer.pointee.worker.coarseNow
  }

  override package func withdraw(_ offer: OfferRef) {
    lock.lock()
    waiters.remove(offer)
    lock.unlock()
  }

  override package var waitDescription: String { what.description }
}
