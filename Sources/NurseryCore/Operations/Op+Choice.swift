extension Op {
  /// A choice: the first operation that can commit does, and the others have no effect.
  ///
  /// When several are ready, each is as likely as any other to commit. Nesting does not matter: in `a.or(b).or(c)`, and
  /// in a choice between `a` and a choice of `b` and `c`, wrapped or not, each of the three has one third. A biased
  /// choice inside is one branch. A choice of nothing is `never`.
  @inlinable
  public static func choice(_ operations: [Op<Value>]) -> Op<Value> {
    Op(ChoiceOperation(flattened(operations, isBiased: false), isBiased: false))
  }

  /// A choice that tries its operations in order: when several are ready, the first commits.
  @inlinable
  public static func biased(_ operations: [Op<Value>]) -> Op<Value> {
    Op(ChoiceOperation(flattened(operations, isBiased: true), isBiased: true))
  }

  /// The choice between this operation and another.
  ///
  /// Chains of any length are one flat choice. Making a chain of n takes time proportional to n squared, so for
  /// thousands of operations, make an array and use `choice`.
  @inlinable
  public func or(_ other: Op<Value>) -> Op<Value> { .choice([self, other]) }
}

/// Performs the choice of two operations: waits until one commits, and returns its value.
///
/// Allocates nothing. A cancellation point.
///
/// - Throws: `CancellationError` if the current scope is cancelled; otherwise whatever the committed branch throws.
@available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
@inlinable
public func choose<Value>(_ first: Op<Value>, _ second: Op<Value>) throws -> Value {
  // Borrowed, so that choosing counts no references.
  defer { withExtendedLifetime(first) { withExtendedLifetime(second) {} } }
  return try _withUnprotectedUnsafeTemporaryAllocation(of: Arm.self, capacity: 2) { arms in
    arms.initializeElement(at: 0, to: Arm(first))
    arms.initializeElement(at: 1, to: Arm(second))
    let start = UnsafeRawPointer(arms.baseAddress!).assumingMemoryBound(to: Op<Value>.self)
    return try Op<Value>.performChoice(UnsafeBufferPointer(start: start, count: 2))
  }
}

/// Performs the choice of the operations: waits until one commits, and returns its value.
///
/// Allocates one array. A cancellation point.
///
/// - Throws: `CancellationError` if the current scope is cancelled; otherwise whatever the committed branch throws.
@_disfavoredOverload
@available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
@inlinable
public func choose<Value>(_ operations: Op<Value>...) throws -> Value {
  // Disfavoured, as is the overload for asynchronous code: for two operations they would tie with the form for two.
  try operations.withUnsafeBufferPointer { try Op<Value>.performChoice($0) }
}

extension Op {
  /// As `choice(operations).perform()`, without making the operation.
  @inlinable
  static func performChoice(_ arms: UnsafeBufferPointer<Op<Value>>) throws -> Value {
    let extent = Arms.Extent(arms)
    if extent.needsResolution { return try Op.choice(Array(arms)).perform() }
    let me = Performer.enter()
    return try Performance.withLeaves(extent.leafCount, slotSize: extent.slotSize, of: me) { performance in
      collect(arms, extent.leaves(of: Arms(arms), isBiased: false), isBiased: false, &performance, from: 0)
      try performance.commit()
      return try take(arms, arePlain: extent.arePlain, areLeaves: extent.areLeaves, &performance, from: 0)
    }
  }

  /// Adds the arms' leaves.
  @inlinable
  @inline(__always)
  static func collect(
    _ arms: UnsafeBufferPointer<Op<Value>>, _ leaves: Leaves?, isBiased: Bool, _ performance: inout Performance,
    from index: Int
  ) {
    if let leaves, performance.addsLater(leaves) { return }
    collectNow(arms, isBiased: isBiased, &performance, from: index)
  }

  @inlinable
  @inline(never)
  static func collectNow(
    _ arms: UnsafeBufferPointer<Op<Value>>, isBiased: Bool, _ performance: inout Performance, from index: Int
  ) {
    let choice = performance.beginChoice(isBiased: isBiased)
    var leaf = index
    for arm in arms {
      arm.collect(&performance, from: leaf)
      leaf += arm.leafCount
    }
    performance.endChoice(choice)
  }

  /// The arms, with those of choices among them that are of the same kind in their place: the depth of a chain costs
  /// nothing.
  @inlinable
  static func flattened(_ arms: [Op<Value>], isBiased: Bool) -> [Op<Value>] {
    for arm in arms where !arm.source.isPlain { return flattenedSlowly(arms, isBiased: isBiased) }
    return arms
  }

  @usableFromInline
  static func flattenedSlowly(_ arms: [Op<Value>], isBiased: Bool) -> [Op<Value>] {
    guard arms.contains(where: { $0.choice(isBiased: isBiased) != nil }) else { return arms }
    return arms.flatMap { $0.choice(isBiased: isBiased)?.arms ?? [$0] }
  }

  /// The choice of this kind that this operation is; nil if it is not, or has a timeout.
  func choice(isBiased: Bool) -> ChoiceOperation<Value>? {
    guard timeout.isNone, !source.isPlain, let choice = source as? ChoiceOperation<Value>,
      choice.isBiased == isBiased
    else { return nil }
    return choice
  }

  /// Takes the value of the arm that holds the winning leaf.
  @inlinable
  static func take(
    _ arms: UnsafeBufferPointer<Op<Value>>, arePlain: Bool, areLeaves: Bool, _ performance: inout Performance,
    from index: Int
  ) throws -> Value {
    if arePlain, performance.verdict == .value {
      return performance.slot.assumingMemoryBound(to: Value.self).move()
    }
    if areLeaves { return try take(Arms(arms)[performance.winner - index], &performance) }
    var leaf = index
    for arm in arms {
      if performance.winner < leaf + arm.leafCount { return try arm.take(&performance, from: leaf) }
      leaf += arm.leafCount
    }
    fatalError("leaf \(performance.winner) committed, but no arm of the choice holds it")
  }
}

extension Op {
  /// Takes the value of an arm that is one leaf and has committed.
  @inlinable
  @inline(__always)
  static func take(_ arm: Arm, _ performance: inout Performance) throws -> Value {
    try arm.source._withUnsafeGuaranteedRef { source in
      if !source.isPlain {
        let source = source.known(as: ValueSource<Value>.self)
        return try source.take(source, &performance, performance.winner)
      }
      if performance.verdict != .value {
        try source.finish(performance.verdict, argument: arm.argument, into: performance.slot)
      }
      return performance.slot.assumingMemoryBound(to: Value.self).move()
    }
  }
}

@usableFromInline
final class ChoiceOperation<Value>: ValueSource<Value>, @unchecked Sendable {
  @usableFromInline let arms: [Op<Value>]
  /// The arms where they are; the array is not changed.
  @usableFromInline let armsInPlace: UnsafeBufferPointer<Op<Value>>
  @usableFromInline let isBiased: Bool

  @inlinable
  init(_ arms: [Op<Value>], isBiased: Bool) {
    self.arms = arms
    self.isBiased = isBiased
    armsInPlace = arms.withUnsafeBufferPointer { $0 }
    let extent = Arms.Extent(armsInPlace)
    super.init(
      slotSize: extent.slotSize, leavesValue: extent.arePlain, needsResolution: extent.needsResolution,
      leafCount: extent.leafCount, leaves: extent.leaves(of: Arms(armsInPlace), isBiased: isBiased),
      collect: { source, performance, index in
        let source = source.known(as: ChoiceOperation<Value>.self)
        Op.collect(
          source.armsInPlace, source.leaves, isBiased: source.isBiased, &performance, from: index)
      },
      take: { source, performance, index in
        let source = source.known(as: ChoiceOperation<Value>.self)
        return try Op.take(
          source.armsInPlace, arePlain: source.leavesValue, areLeaves: source.leaves != nil, &performance, from: index)
      })
  }

  override func resolve(_ resolution: Resolution) throws -> Op<Value> {
    guard needsResolution else { return Op(self) }
    // Uses a worklist instead of recursion: a guard may return a choice of guards, and so on.
    var resolved: [Op<Value>] = []
    var left = Array(arms.reversed())
    while let arm = left.popLast() {
      if let choice = arm.choice(isBiased: isBiased) {
        left += choice.arms.reversed()
      } else if arm.timeout.isNone, let guarded = arm.guarded {
        left.append(try guarded.make(resolution))
      } else {
        resolved.append(try arm.resolved(resolution))
      }
    }
    return Op(ChoiceOperation(resolved, isBiased: isBiased))
  }

  override var waitDescription: String {
    arms.map { $0.source.waitDescription }.joined(separator: ", ")
  }
}
