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
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
public func choose<Value>(_ first: Op<Value>, _ second: Op<Value>) throws -> Value {
  let slotSize = max(first.slotSize, second.slotSize)
  let leafCount = first.leafCount
  if leafCount + second.leafCount > Performance.inlineLeafCount || slotSize > Performance.inlineSlotSize
    || first.needsResolution || second.needsResolution
  {
    return try Op<Value>.performChoice([first, second])
  }
  let me = Performer.enter()
  return try Performance.withInlineSlot(me) { performance in
    if leafCount + second.leafCount != 2 {
      let choice = performance.beginChoice(isBiased: false)
      first.collect(&performance, from: 0)
      second.collect(&performance, from: leafCount)
      performance.endChoice(choice)
    } else if me.randomIndex(below: 2) == 0 {
      first.collect(&performance, from: 0)
      second.collect(&performance, from: leafCount)
    } else {
      second.collect(&performance, from: leafCount)
      first.collect(&performance, from: 0)
    }
    try performance.commit()
    return try performance.winner < leafCount
      ? first.take(&performance, from: 0) : second.take(&performance, from: leafCount)
  }
}

/// Performs the choice of the operations: waits until one commits, and returns its value.
///
/// Allocates one array. A cancellation point.
///
/// - Throws: `CancellationError` if the current scope is cancelled; otherwise whatever the committed branch throws.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
public func choose<Value>(_ operations: Op<Value>...) throws -> Value {
  try Op<Value>.performChoice(operations)
}

extension Op {
  /// As `choice(operations).perform()`, without making the operation.
  @inlinable
  static func performChoice(_ arms: [Op<Value>]) throws -> Value {
    let extent = arms.withArms { Arms.Extent($0) }
    if extent.arePlain, extent.leafCount <= Performance.inlineLeafCount {
      return try performArms(arms, isBiased: false)
    }
    if extent.needsResolution || extent.leafCount > Performance.inlineLeafCount
      || extent.slotSize > Performance.inlineSlotSize
    {
      return try Op.choice(arms).perform()
    }
    let me = Performer.enter()
    defer { withExtendedLifetime(arms) {} }
    return try Performance.withInlineSlot(me) { performance in
      collect(arms, arePlain: false, isBiased: false, &performance, from: 0)
      try performance.commit()
      return try take(arms, arePlain: false, &performance, from: 0)
    }
  }

  /// Adds the arms' leaves.
  @inlinable
  static func collect(
    _ arms: [Op<Value>], arePlain: Bool, isBiased: Bool, _ performance: inout Performance, from index: Int
  ) {
    if arePlain, arms.withArms({ performance.addsLater($0, isBiased: isBiased, index: index) }) { return }
    let choice = performance.beginChoice(isBiased: isBiased)
    var leaf = index
    for arm in arms {
      arm.collect(&performance, from: leaf)
      leaf += arm.leafCount
    }
    performance.endChoice(choice)
  }

  /// The arms, with those of choices among them that are of the same kind in their place: the depth of a chain costs nothing.
  @inlinable
  static func flattened(_ arms: [Op<Value>], isBiased: Bool) -> [Op<Value>] {
    for arm in arms where !arm.source.delivery.isLeaf { return flattenedSlowly(arms, isBiased: isBiased) }
    return arms
  }

  @usableFromInline
  static func flattenedSlowly(_ arms: [Op<Value>], isBiased: Bool) -> [Op<Value>] {
    guard arms.contains(where: { $0.choice(isBiased: isBiased) != nil }) else { return arms }
    return arms.flatMap { $0.choice(isBiased: isBiased)?.arms ?? [$0] }
  }

  /// The choice of this kind that this operation is; nil if it is not, or has a limit.
  func choice(isBiased: Bool) -> ChoiceOperation<Value>? {
    guard limit.isNone, !source.delivery.isLeaf, let choice = source as? ChoiceOperation<Value>,
      choice.isBiased == isBiased
    else { return nil }
    return choice
  }

  /// Takes the value of the arm that holds the winning leaf.
  @inlinable
  static func take(
    _ arms: [Op<Value>], arePlain: Bool, _ performance: inout Performance, from index: Int
  ) throws -> Value {
    if arePlain, performance.verdict == .value {
      return performance.slot.assumingMemoryBound(to: Value.self).move()
    }
    var leaf = index
    for arm in arms {
      if performance.winner < leaf + arm.leafCount { return try arm.take(&performance, from: leaf) }
      leaf += arm.leafCount
    }
    fatalError("leaf \(performance.winner) committed, but no arm of the choice holds it")
  }
}

@usableFromInline
final class ChoiceOperation<Value>: ValueSource<Value>, @unchecked Sendable {
  @usableFromInline let arms: [Op<Value>]
  @usableFromInline let arePlain: Bool
  @usableFromInline let isBiased: Bool

  @inlinable
  init(_ arms: [Op<Value>], isBiased: Bool) {
    self.arms = arms
    self.isBiased = isBiased
    let extent = arms.withArms { Arms.Extent($0) }
    arePlain = extent.arePlain
    super.init(
      slotSize: extent.slotSize, delivery: extent.arePlain ? .arms : .computed,
      needsResolution: extent.needsResolution, leafCount: extent.leafCount,
      collect: { source, performance, index in
        let source = unsafeDowncast(source, to: ChoiceOperation<Value>.self)
        Op.collect(
          source.arms, arePlain: source.arePlain, isBiased: source.isBiased, &performance, from: index)
      },
      take: { source, performance, index in
        let source = unsafeDowncast(source, to: ChoiceOperation<Value>.self)
        return try Op.take(source.arms, arePlain: source.arePlain, &performance, from: index)
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
      } else if arm.limit.isNone, let guarded = arm.guarded {
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
