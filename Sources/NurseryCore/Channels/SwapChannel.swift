/// A meeting place where two fibers exchange values: each gives one and gets the other's.
///
///     let desk = SwapChannel<Card>()
///     let theirs = try desk.swap(mine)   // waits for a partner
///
/// From Concurrent ML (Reppy, Concurrent Programming in ML, 1999). Both exchange or neither does: a swap that loses,
/// times out or is cancelled has given nothing away. Partners are served in the order they came. One commit settles
/// both, so neither waits for the other afterwards.
public final class SwapChannel<Value: Sendable>: @unchecked Sendable {
  fileprivate let lock = SpinLock(.queue)
  fileprivate let swaps = WaitQueue()

  /// Creates a meeting place.
  public init() {}

  /// Waits for a partner, gives it the value and returns the partner's.
  ///
  /// A cancellation point. Allocates one object.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; then nothing has been exchanged.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func swap(_ value: Value) throws -> Value { try swapOp(value).perform() }

  /// Waits for a partner, gives it the value and returns the partner's; suspends the task meanwhile.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the task is cancelled; then nothing has been exchanged.
  nonisolated(nonsending) public func swap(_ value: Value) async throws -> Value { try await swapOp(value).perform() }

  /// The operation that exchanges the value for a partner's.
  ///
  /// Two swaps of one choice never meet each other. It can be performed again, and gives the value again.
  public func swapOp(_ value: Value) -> Op<Value> { Op(SwapSource(self, value)) }
}

/// The source of swaps that give this value.
private final class SwapSource<Value: Sendable>: OperationSource, @unchecked Sendable {
  private let channel: SwapChannel<Value>
  private let value: Value

  init(_ channel: SwapChannel<Value>, _ value: Value) {
    self.channel = channel
    self.value = value
    super.init()
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    let me = offer.pointee.performer
    channel.lock.lock()
    var lost = false
    if let partner = channel.swaps.claimFirst(for: me, published: attempt.isPublished, lost: &lost) {
      // The partner performs its operation, which keeps the source, until it is resumed.
      let source = partner.pointee.source.takeUnretainedValue().known(as: SwapSource.self)
      offer.pointee.slot.assumingMemoryBound(to: Value.self).initialize(to: source.value)
      partner.pointee.slot.assumingMemoryBound(to: Value.self).initialize(to: value)
      channel.lock.unlock()
      partner.resume(from: me)
      offer.win()
      return .committed
    }
    defer { channel.lock.unlock() }
    if lost { return .lost }
    if attempt.enlists { channel.swaps.enlist(offer, attempt) }
    return .pending
  }

  override func withdraw(_ offer: OfferRef) { channel.lock.withLock { channel.swaps.remove(offer) } }

  override class var kindDescription: String { "swap in a SwapChannel<\(Value.self)>" }
}
