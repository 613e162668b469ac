import Synchronization

/// A primitive operation of your own: something that can be tried, waited for, and given up.
///
/// Wrap it with `Op(base:)`, and it can be chosen among, timed out and cancelled like any other. The three methods are
/// called on the performing fiber or thread; guard shared state with a mutex. They may call anything, even cancel the
/// enclosing scope or perform other operations, but should be quick: the other branches of the choice are not tried
/// meanwhile. A perform that has to wait allocates one object.
public protocol BaseOperation<Value> {
  /// What the operation yields when it commits.
  associatedtype Value

  /// Commits the operation if it is ready, and returns its value; nil, without any effect, if it is not.
  func poll() -> Value?

  /// Registers a waiter, and later calls `commit` on it, from anywhere, when the operation becomes ready.
  ///
  /// The operation may have become ready since it was polled: check again after registering, and commit then. `commit`
  /// says whether the waiter took the value; if not, offer the value to another waiter.
  func enlist(_ waiter: Waiter<Value>)

  /// Removes a waiter that was enlisted.
  ///
  /// Called for every waiter when its perform has ended, whichever branch has won, and before a perform that has I/O
  /// branches enlists again. So it does not mean that the performer has gone; `onAbandon` tells that.
  func withdraw(_ waiter: Waiter<Value>)

  /// How deadlock reports describe a wait for it, such as "a turnstile". The default is the name of the type.
  ///
  /// Called on another thread while its waiters wait. It must not wait.
  var waitDescription: String { get }
}

extension BaseOperation {
  /// The name of the type.
  public var waitDescription: String { "\(Self.self)" }
}

/// A primitive of this library, which a dump may ask while fibers run; of a user's primitive it says the type.
package protocol OwnOperation: BaseOperation {
  /// The description of a wait for any of its type.
  static var kindDescription: String { get }

  /// The description of a wait for it; reads no fiber's state.
  var dumpDescription: String { get }

  /// What could commit a waiter.
  var waker: Waker { get }

  /// As `OperationSource.note(in:)`.
  func note(in loads: inout [UInt: ChannelLoad])
}

extension OwnOperation {
  package func note(in loads: inout [UInt: ChannelLoad]) {}
  package var waitDescription: String { Self.kindDescription }
  package var dumpDescription: String { waitDescription }
  package var waker: Waker { .unknown }
}

/// A fiber or thread that waits for a primitive operation of yours.
///
/// It stays valid for ever: once the perform has ended, `commit` returns false.
public struct Waiter<Value>: Hashable, @unchecked Sendable {
  let enlistment: Enlistment
  let offer: OfferRef

  /// Commits the waiting perform with this value; false if the waiter has gone or another branch has committed.
  ///
  /// After true, exactly this waiter has received the value. A value that is not `Sendable` is given up by the caller,
  /// because the waiter may run on another thread.
  ///
  /// A copy that the caller keeps may become the last reference to an object. Release it without your lock, because
  /// `deinit` is the user's code.
  @discardableResult
  public func commit(_ value: sending Value) -> Bool {
    nonisolated(unsafe) let value = value
    return enlistment.commit(offer) { $0.assumingMemoryBound(to: Value.self).initialize(to: value) }
  }

  /// Whether the perform may enlist again after this waiter has been withdrawn.
  package var mayWaitAgain: Bool { enlistment.mayWaitAgain }

  /// Whether both belong to the same branch of the same perform.
  public static func == (left: Waiter, right: Waiter) -> Bool {
    left.enlistment === right.enlistment && left.offer == right.offer
  }

  /// Hashes the branch and the perform it belongs to.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(enlistment))
    hasher.combine(offer)
  }
}

extension Op {
  /// The operation of a primitive of your own.
  public init(base: some BaseOperation<Value>) {
    self.init(BaseOperationSource(base))
  }
}

private final class BaseOperationSource<Base: BaseOperation>: ValueSource<Base.Value>, @unchecked Sendable {
  let base: Base

  init(_ base: Base) {
    self.base = base
    super.init(
      slotSize: Performance.slotSize(for: Base.Value.self),
      collect: { source, performance, index in performance.addPrimitive(source, index: index) },
      take: { _, performance, _ in performance.slot.assumingMemoryBound(to: Base.Value.self).move() })
  }

  /// Enlisting is done before any offer of the perform stands: see `Enlistment`.
  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    if attempt.enlists { return .pending }
    guard let value = base.poll() else { return .pending }
    offer.pointee.slot.assumingMemoryBound(to: Base.Value.self).initialize(to: value)
    offer.win()
    return .committed
  }

  override func enlistWaiter(_ offer: OfferRef, _ enlistment: Enlistment) {
    offer.pointee.isLinked = true
    base.enlist(Waiter(enlistment: enlistment, offer: offer))
  }

  override func withdrawWaiter(_ offer: OfferRef, _ enlistment: Enlistment) {
    guard offer.pointee.isLinked else { return }
    offer.pointee.isLinked = false
    base.withdraw(Waiter(enlistment: enlistment, offer: offer))
  }

  override class var kindDescription: String {
    (Base.self as? any OwnOperation.Type)?.kindDescription ?? "\(Base.self)"
  }
  override var waitDescription: String { base.waitDescription }
  override var dumpDescription: String { (base as? any OwnOperation)?.dumpDescription ?? "\(Base.self)" }
  override func waker(of offer: OfferRef) -> Waker { (base as? any OwnOperation)?.waker ?? .unknown }
  override func note(in loads: inout [UInt: ChannelLoad]) { (base as? any OwnOperation)?.note(in: &loads) }
}
