/// A source that makes its value when asked: combinations of other operations, and constants.
///
/// Its behaviour is stored as closures without captures, which inlinable initialisers form where the types are known.
/// Virtual methods of a generic class run unspecialised: a wrapped operation took 500 ns that way.
@usableFromInline
package class ValueSource<Value>: OperationSource, @unchecked Sendable {
  /// Adds the leaves, numbered from an index in the order they are written, in the order they are to be polled.
  @usableFromInline typealias Collect = (ValueSource<Value>, inout Performance, Int) -> Void
  /// Makes the value after the leaf `performance.winner` has committed, given the number of the first leaf.
  @usableFromInline typealias Take = (ValueSource<Value>, inout Performance, Int) throws -> Value

  @usableFromInline let collect: Collect
  @usableFromInline let take: Take

  @usableFromInline
  init(
    slotSize: Int = 0, leavesValue: Bool = false, needsResolution: Bool = false, leafCount: Int = 1,
    keepsAccount: Bool = false,
    collect: @escaping Collect, take: @escaping Take
  ) {
    self.collect = collect
    self.take = take
    super.init(
      isPlain: false, leavesValue: leavesValue, slotSize: slotSize, needsResolution: needsResolution,
      leafCount: leafCount, keepsAccount: keepsAccount)
  }

  /// Runs the guards of one perform.
  @usableFromInline
  func resolve(_ resolution: Resolution) throws -> Op<Value> { Op(self) }
}
