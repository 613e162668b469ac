/// Performing from asynchronous code: the same operations, and `await` where a fiber would be suspended.
///
/// No fiber, thread or scheduler is needed. Guards, wraps and nacks run in the caller's isolation. The perform heeds
/// the task's cancellation in place of a scope's, and needs no stack: see `TaskPerformer`.
extension Op {
  /// Waits until the operation commits and returns its value; suspends the task meanwhile.
  ///
  /// A single operation allocates nothing for a value of at most 16 bytes; any other one block. A cancellation point.
  ///
  /// - Throws: `CancellationError` if the task is cancelled, even if the operation could proceed: then it has had no
  ///   effect. Otherwise whatever the committed branch throws.
  @inlinable
  nonisolated(nonsending) public func perform() async throws -> Value {
    if TaskPerformer.isSchedulingPoint { await TaskPerformer.pause() }
    if source.isPlain, timeout.isNone { return try await performLeafInTask() }
    if !needsResolution { return try await performInTask() }
    if Task.isCancelled { throw CancellationError() }
    return try await resolvedNow().performInTask()
  }

  /// An operation that is a single leaf, without a timeout.
  @inlinable
  nonisolated(nonsending) func performLeafInTask() async throws -> Value {
    // The offer does not count its reference to what it waits on.
    defer { withExtendedLifetime(self) {} }
    let me = try TaskPerformer.begin()
    defer { TaskPerformer.end(me) }
    let slot = me.taskSlot(for: Value.self)
    defer { me.freeTaskSlot(slot) }
    let source = Unmanaged.passUnretained(source)
    let offer = me.ownOffer(source, argument: argument, slot: UnsafeMutableRawPointer(slot))
    me.beginEnlisting()
    if !me.endsEnlisting(source._withUnsafeGuaranteedRef { $0.attempt(offer, .enlistAlone) }) {
      await TaskPerformer.suspend(me, offer, 1)
      me.endWait(offer, source)
    }
    let verdict = me.pointee.wait.verdict
    if verdict != .value { try finish(verdict, into: UnsafeMutableRawPointer(slot)) }
    return slot.move()
  }

  /// An operation whose guards have run.
  @inlinable
  nonisolated(nonsending) func performInTask() async throws -> Value {
    defer { withExtendedLifetime(self) {} }
    let frame = TaskFrame(leafCount: leafCount, slotSize: slotSize)
    defer { frame.end() }
    collect(&frame.performance.pointee, from: 0)
    try await frame.commit()
    return try take(&frame.performance.pointee, from: 0)
  }
}

/// Performs the choice of two operations: waits until one commits, and returns its value; suspends the task meanwhile.
///
/// A cancellation point.
///
/// - Throws: `CancellationError` if the task is cancelled; otherwise whatever the committed branch throws.
@inlinable
nonisolated(nonsending) public func choose<Value>(_ first: Op<Value>, _ second: Op<Value>) async throws -> Value {
  try await Op.choice([first, second]).perform()
}

/// Performs the choice of the operations: waits until one commits, and returns its value; suspends the task meanwhile.
///
/// A cancellation point.
///
/// - Throws: `CancellationError` if the task is cancelled; otherwise whatever the committed branch throws.
@_disfavoredOverload
@inlinable
nonisolated(nonsending) public func choose<Value>(_ operations: Op<Value>...) async throws -> Value {
  try await Op.choice(operations).perform()
}

extension SharedOp {
  /// Waits until the operation commits and returns its value; suspends the task meanwhile.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the task is cancelled; otherwise whatever the committed branch, or `make`, throws.
  @inlinable
  nonisolated(nonsending) public func perform() async throws -> Value { try await op.perform() }
}

extension FiberRef {
  /// The offer of a wait that is no choice, for a source.
  @usableFromInline
  func ownOffer(
    _ source: Unmanaged<OperationSource>, argument: UInt, slot: UnsafeMutableRawPointer
  ) -> OfferRef {
    let offer = ownOffer
    offer.pointee.source = source
    offer.pointee.argument = argument
    offer.pointee.slot = slot
    return offer
  }

  /// Where a task keeps a value while it waits: in the record's scratch space, or on the heap.
  @inlinable
  func taskSlot<Value>(for type: Value.Type) -> UnsafeMutablePointer<Value> {
    FiberRecord.hasScratch(for: type) ? scratch.assumingMemoryBound(to: Value.self) : .allocate(capacity: 1)
  }

  @inlinable
  func freeTaskSlot<Value>(_ slot: UnsafeMutablePointer<Value>) {
    if !FiberRecord.hasScratch(for: Value.self) { slot.deallocate() }
  }
}
