/// An operation: a call that may wait, as a value that can be combined with others before a fiber waits for it.
///
/// Operations come from Concurrent ML (Reppy, PLDI 1991). Making one does nothing; `perform()` waits for it. Every
/// operation can be wrapped, chosen among, guarded and abandoned; a timeout or a cancellation is one more branch:
///
///     let reply = try choose(
///       replies.receiveOp().wrap { Outcome.reply($0) },
///       timeoutOp(after: .seconds(2)).wrap { Outcome.late })
///
/// Exactly one branch of a choice commits; the others have no effect.
///
/// An operation may be performed any number of times, by any fiber and also by a plain thread, which it blocks.
public struct Op<Value> {
  /// First, because choices read it from memory without counting references.
  @usableFromInline let source: OperationSource
  @usableFromInline let argument: UInt
  @usableFromInline let limit: OperationLimit

  @inlinable
  package init(_ source: OperationSource, argument: UInt = 0) {
    self.init(source, argument: argument, limit: .none)
  }

  @inlinable
  init(_ source: OperationSource, argument: UInt, limit: OperationLimit) {
    self.source = source
    self.argument = argument
    self.limit = limit
  }
}

extension Op {
  /// Waits until the operation commits and returns its value.
  ///
  /// Allocates nothing for up to eight branches. A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, even if the operation could proceed: then it
  ///   has had no effect. Otherwise whatever the committed branch throws.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  @inlinable
  public func perform() throws -> Value {
    source.delivery.isLeaf ? try performLeaf() : try performComputed()
  }

  /// Commits the operation if that is possible without waiting; nil if it is not, and then every branch is abandoned.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, otherwise whatever the committed branch throws.
  @inlinable
  public func poll() throws -> Value? {
    if needsResolution { return try pollResolved() }
    defer { withExtendedLifetime(self) {} }
    if leafCount <= Performance.inlineLeafCount, slotSize <= Performance.inlineSlotSize {
      return try Performance.withInlineSlot(Performer.current()) { try commitIfReady(&$0) }
    }
    var performance = Performance(Performer.current(), leafCount: leafCount, slotSize: slotSize)
    defer { performance.deallocate() }
    return try commitIfReady(&performance)
  }

  @inlinable
  @inline(__always)
  func commitIfReady(_ performance: inout Performance) throws -> Value? {
    collect(&performance, from: 0)
    guard try performance.commitIfReady() else { return nil }
    return try take(&performance, from: 0)
  }

  // MARK: What a perform needs

  /// How many leaves a perform polls, the limit's timer included.
  @inlinable var leafCount: Int { source.leafCount + limit.leafCount }
  @inlinable var slotSize: Int { source.slotSize }
  @inlinable var needsResolution: Bool { source.needsResolution }

  @inlinable
  func collect(_ performance: inout Performance, from index: Int) {
    if source.delivery.isLeaf {
      performance.add(source, argument: argument, index: index)
    } else {
      let source = unsafeDowncast(source, to: ValueSource<Value>.self)
      source.collect(source, &performance, index)
    }
    if !limit.isNone { performance.addTimer(limit.nanoseconds, index: index + source.leafCount) }
  }

  @inlinable
  func take(_ performance: inout Performance, from index: Int) throws -> Value {
    if !limit.isNone, performance.winner == index + source.leafCount { throw limit.error() }
    switch source.delivery {
    case .slot:
      if performance.verdict != .value { throw source.failure(performance.verdict, argument: argument) }
      return performance.slot.assumingMemoryBound(to: Value.self).move()
    case .fiber: return try FiberCore<Value>(unsafeDowncast(source, to: FiberBody.self)).outcome()
    case .computed, .arms:
      let source = unsafeDowncast(source, to: ValueSource<Value>.self)
      return try source.take(source, &performance, index)
    }
  }
}
