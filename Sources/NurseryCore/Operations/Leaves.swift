/// A plain source, and what it is asked with.
@usableFromInline
package struct Leaf {
  @usableFromInline let source: Unmanaged<OperationSource>
  @usableFromInline let argument: UInt

  @inlinable
  init(_ source: Unmanaged<OperationSource>, _ argument: UInt) {
    self.source = source
    self.argument = argument
  }
}

/// The branches of a choice that are one leaf each, perhaps with wraps around it: a perform polls the leaves without
/// asking the branches, and lays out only those that it needs.
///
/// The branches stay where they are until the perform has ended: the choice holds its array, and the operation the
/// choice.
@usableFromInline
package struct Leaves {
  @usableFromInline let arms: Arms
  /// Whether they are asked in their order.
  @usableFromInline let isBiased: Bool

  /// - Parameter arms: at least one and at most `most`, each one leaf.
  @inlinable
  init(of arms: Arms, isBiased: Bool) {
    self.arms = arms
    self.isBiased = isBiased
  }

  @usableFromInline
  var count: Int {
    @inline(__always) get { arms.count }
  }

  @usableFromInline
  subscript(index: Int) -> Leaf {
    @inline(__always) get { arms.baseAddress.unsafelyUnwrapped[index].leaf.unsafelyUnwrapped }
  }

  /// More branches are laid out first.
  @usableFromInline static var most: Int { 64 }
}
