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
  @usableFromInline let timeout: OperationTimeout

  @inlinable
  package init(_ source: OperationSource, argument: UInt = 0) {
    self.init(source, argument: argument, timeout: .none)
  }

  @inlinable
  init(_ source: OperationSource, argument: UInt, timeout: OperationTimeout) {
    self.source = source
    self.argument = argument
    self.timeout = timeout
  }
}

extension Op {
  /// Waits until the operation commits and returns its value.
  ///
  /// Allocates nothing for up to eight branches. A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, even if the operation could proceed: then it
  ///   has had no effect. Otherwise whatever the committed branch throws.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @inlinable
  public func perform() throws -> Value {
    source.isPlain ? try performLeaf() : try performGeneral()
  }

  /// Commits the operation if that is possible without waiting; nil if it is not, and then every branch is abandoned.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, otherwise whatever the committed branch throws.
  @inlinable
  public func poll() throws -> Value? {
    if needsResolution { return try pollResolved() }
    defer { withExtendedLifetime(self) {} }
    return try Performance.withLeaves(leafCount, slotSize: slotSize, of: Performer.current()) { performance in
      collect(&performance, from: 0)
      return try performance.commitIfReady() ? take(&performance, from: 0) : nil
    }
  }

  // MARK: What a perform needs

  /// How many leaves a perform polls, the timeout's timer included.
  @inlinable var leafCount: Int { source.leafCount + timeout.leafCount }
  @inlinable var slotSize: Int { source.isPlain ? Performance.slotSize(for: Value.self) : source.slotSize }
  @inlinable var needsResolution: Bool { source.needsResolution }
  /// Its only leaf, for an operation around it; see `CompositeSource.leaf`.
  @inlinable var leaf: Leaf? { timeout.isNone ? Arm(self).leaf : nil }

  @inlinable
  func collect(_ performance: inout Performance, from index: Int) {
    if source.isPlain {
      performance.add(source, argument: argument, index: index)
    } else {
      let source = source.known(as: ValueSource<Value>.self)
      source.collect(source, &performance, index)
    }
    if !timeout.isNone { performance.addTimer(timeout.nanoseconds, index: index + source.leafCount) }
  }

  @inlinable
  @inline(__always)
  func take(_ performance: inout Performance, from index: Int) throws -> Value {
    if source.leavesValue, timeout.isNone, performance.verdict == .value {
      return performance.slot.assumingMemoryBound(to: Value.self).move()
    }
    return try takeSlowly(&performance, from: index)
  }

  @inlinable
  @inline(never)
  func takeSlowly(_ performance: inout Performance, from index: Int) throws -> Value {
    if !timeout.isNone, performance.winner == index + source.leafCount { throw timeout.error() }
    if !source.isPlain {
      let source = source.known(as: ValueSource<Value>.self)
      return try source.take(source, &performance, index)
    }
    // Beside a timeout that has not won, the value may be there.
    if performance.verdict != .value {
      try source.finish(performance.verdict, argument: argument, into: performance.slot)
    }
    return performance.slot.assumingMemoryBound(to: Value.self).move()
  }
}
