import Synchronization

/// A primitive operation of your own: something that can be tried, waited for, and given up.
///
/// Wrap it with `Op(base:)`, and it can be chosen among, timed out and cancelled like any other. The three methods are called on
/// the performing fiber or thread. They must not block and must not suspend; guard shared state with a mutex.
public protocol BaseOperation<Value> {
  /// What the operation yields when it commits.
  associatedtype Value

  /// Commits the operation if it is ready, and returns its value; nil, without any effect, if it is not.
  func poll() -> Value?

  /// Registers a waiter, and later calls `commit` on it, from anywhere, when the operation becomes ready.
  ///
  /// The operation may have become ready since it was polled: look again after registering, and commit then.
  /// `commit` says whether the waiter took the value; if not, offer the value to somebody else.
  func enlist(_ waiter: Waiter<Value>)

  /// Forgets a waiter that was enlisted. Called for every waiter whose perform has ended, whoever won.
  func withdraw(_ waiter: Waiter<Value>)
}

/// A fiber or thread that waits for a primitive operation of a user's.
///
/// It stays valid for ever: once the perform has ended, `commit` returns false.
public struct Waiter<Value>: Hashable, @unchecked Sendable {
  let performer: FiberRef
  let epoch: UInt64
  let offer: OfferRef

  /// Commits the waiting perform with this value; false if the waiter has gone or was committed by somebody else.
  ///
  /// After true, exactly this waiter has received the value.
  @discardableResult
  public func commit(_ value: Value) -> Bool {
    guard performer.commit(expectedEpoch: epoch) else { return false }
    offer.pointee.slot.assumingMemoryBound(to: Value.self).initialize(to: value)
    offer.win()
    performer.makeReady()
    return true
  }
}

extension Op {
  /// The operation of a primitive of your own.
  public init(base: some BaseOperation<Value>) {
    self.init(BaseOperationSource(base))
  }
}

private final class BaseOperationSource<Base: BaseOperation>: OperationSource, @unchecked Sendable {
  let base: Base

  init(_ base: Base) {
    self.base = base
    super.init(slotSize: Performance.slotSize(for: Base.Value.self), keepsAccount: true)
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    switch attempt {
    case .poll, .pollLate:
      guard let value = base.poll() else { return .pending }
      offer.pointee.slot.assumingMemoryBound(to: Base.Value.self).initialize(to: value)
      offer.win()
      return .committed
    case .enlistAlone:
      // Nobody can take us yet, so what `poll` takes is ours.
      guard self.attempt(offer, .poll) == .pending else { return .committed }
      offer.pointee.performer.startWaiting()
      fallthrough
    case .enlist:
      // The waiter can be committed from the first instruction of `enlist` on; if that happens the perform
      // parks, finds itself ready, and goes on.
      offer.pointee.isLinked = true
      base.enlist(waiter(offer))
      fullFence()
      return .pending
    }
  }

  override func withdraw(_ offer: OfferRef) {
    guard offer.pointee.isLinked else { return }
    base.withdraw(waiter(offer))
  }

  private func waiter(_ offer: OfferRef) -> Waiter<Base.Value> {
    Waiter(performer: offer.pointee.performer, epoch: offer.pointee.performer.epoch, offer: offer)
  }

  override var waitDescription: String { "\(Base.self)" }
}
