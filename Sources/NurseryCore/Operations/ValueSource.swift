/// A source that is made of others, as far as it does not depend on its value.
@usableFromInline
package class CompositeSource: OperationSource, @unchecked Sendable {
  /// Its only leaf, if all it adds is what it makes of the leaf's value: then a choice asks the leaf without asking this.
  @usableFromInline let leaf: Leaf?
  /// Of a choice whose branches are one such leaf each.
  @usableFromInline let leaves: Leaves?

  @usableFromInline
  init(
    leaf: Leaf?, leaves: Leaves?, leavesValue: Bool, slotSize: Int, needsResolution: Bool, leafCount: Int,
    keepsAccount: Bool
  ) {
    self.leaf = leaf
    self.leaves = leaves
    super.init(
      isPlain: false, leavesValue: leavesValue, slotSize: slotSize, needsResolution: needsResolution,
      leafCount: leafCount, keepsAccount: keepsAccount)
  }
}

/// A source that makes its value when asked: combinations of other operations, and constants.
///
/// Its behaviour is stored as closures without captures, which inlinable initialisers form where the types are known.
/// Virtual methods of a generic class run unspecialised: a wrapped operation took 500 ns that way.
@usableFromInline
package class ValueSource<Value>: CompositeSource, @unchecked Sendable {
  /// Adds the leaves, numbered from an index in the order they are written, in the order they are to be polled.
  @usableFromInline typealias Collect = (ValueSource<Value>, inout Performance, Int) -> Void
  /// Makes the value after the leaf `performance.winner` has committed, given the number of the first leaf.
  @usableFromInline typealias Take = (ValueSource<Value>, inout Performance, Int) throws -> Value

  @usableFromInline let collect: Collect
  @usableFromInline let take: Take

  @usableFromInline
  init(
    slotSize: Int = 0, leavesValue: Bool = false, needsResolution: Bool = false, leafCount: Int = 1,
    keepsAccount: Bool = false, leaf: Leaf? = nil, leaves: Leaves? = nil,
    collect: @escaping Collect, take: @escaping Take
  ) {
    self.collect = collect
    self.take = take
    super.init(
      leaf: leaf, leaves: leaves, leavesValue: leavesValue, slotSize: slotSize, needsResolution: needsResolution,
      leafCount: leafCount, keepsAccount: keepsAccount)
  }

  /// Runs the guards of one perform.
  @usableFromInline
  func resolve(_ resolution: Resolution) throws -> Op<Value> { Op(self) }
}
