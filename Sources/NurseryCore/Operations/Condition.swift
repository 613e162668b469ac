import Synchronization

/// A condition that becomes true once and stays true: the simplest thing to wait for.
///
/// Any number of fibers and threads may wait; `signal()` releases them all, and later waits return at once.
public final class Condition: OperationSource, @unchecked Sendable {
  private let latch = Latch()
  /// For the cancellation of a scope: the instant from which the condition holds although nothing has signalled it yet.
  let expiry = Atomic<Int64>(.max)
  /// For dumps and deadlock reports.
  private let what: StaticString

  /// Creates a condition that is not true yet.
  public convenience init() { self.init("a condition") }

  @usableFromInline
  package init(_ what: StaticString) {
    self.what = what
    super.init()
  }

  /// Whether `signal()` has been called.
  public var isSignalled: Bool { latch.isSet }

  /// Makes the condition true and wakes all waiters.
  ///
  /// Never blocks; calling it again does nothing.
  public func signal() { latch.set() }

  /// As `signal`, for a caller that holds a lock: what waits may be a task, whose executor is user code.
  func signalUnderLock() { latch.setUnderLock() }

  /// Waits until the condition is true.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func wait() throws {
    let me = Performer.enter()
    if me.isCancelled { throw CancellationError() }
    // Before the call, so that no reference is held during the wait, not even in code that is not optimised.
    let source = Unmanaged<OperationSource>.passUnretained(self)
    if isSignalled || isOverdue(for: me) { return }
    if latch.wait(me, for: source) { return }
    throw CancellationError()
  }

  /// The operation that commits once the condition is true.
  public func waitOp() -> Op<Void> { Op(self) }

  override package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    guard isOverdue(for: offer.pointee.performer) else { return latch.attempt(offer, attempt) }
    guard offer.commits(attempt) else { return .lost }
    offer.win()
    return .committed
  }

  /// Others than fibers wait for the signal: the instant is one of the scheduler's clock, which may be virtual.
  private func isOverdue(for performer: FiberRef) -> Bool {
    let expiry = expiry.load(ordering: .relaxed)
    return expiry != .max && performer.runsOnScheduler && expiry <= performer.pointee.worker.coarseNow
  }

  override package func withdraw(_ offer: OfferRef) { latch.withdraw(offer) }

  override package var waitDescription: String { what.description }
  override package var descriptionKey: UInt? { WaitKind(what).word }
  override package var reach: Reach? { expiry.load(ordering: .relaxed) == .max ? Reach(Reach.address(self)) : nil }
}
