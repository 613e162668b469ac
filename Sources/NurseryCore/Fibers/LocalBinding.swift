/// The values that are bound on a fiber, innermost first: an immutable list that children share with their parents.
@usableFromInline
class LocalBinding: @unchecked Sendable {
  /// The local that is bound.
  let key: ObjectIdentifier
  private(set) var outer: LocalBinding?
  /// Whether a child may share the list as it is.
  let isInheritedWhole: Bool
  /// What dumps show of it.
  let shownLocal: ShownLocal?

  init(key: ObjectIdentifier, outer: LocalBinding?, isInherited: Bool, _ shownLocal: ShownLocal?) {
    self.key = key
    self.outer = outer
    self.shownLocal = shownLocal
    isInheritedWhole = isInherited && outer?.isInheritedWhole ?? true
  }

  /// Lets a list go without recursion: each generation of fibers may have added to it.
  deinit {
    releaseChain(&outer) { link in
      defer { link.outer = nil }
      return link.outer
    }
  }

  /// The list that a child inherits.
  final var inherited: LocalBinding? { isInheritedWhole ? self : listForChild() }

  /// A list of its own for a child: of every local the innermost binding, as the local's policy has it.
  private final func listForChild() -> LocalBinding? {
    var innermost: [LocalBinding] = []
    var candidate: LocalBinding? = self
    while let binding = candidate {
      if !innermost.contains(where: { $0.key == binding.key }) { innermost.append(binding) }
      candidate = binding.outer
    }
    return innermost.reversed().reduce(nil) { list, binding in binding.forChild(in: list) }
  }

  /// The list with what a child is given of this binding.
  func forChild(in list: LocalBinding?) -> LocalBinding? { fatalError("a binding is a ValueBinding") }
}

final class ValueBinding<Value: Sendable>: LocalBinding, @unchecked Sendable {
  let value: Value
  /// Kept, so that no other local gets the same key while this lives.
  private let local: FiberLocal<Value>

  init(_ local: FiberLocal<Value>, _ value: Value, _ outer: LocalBinding?, _ shown: ShownLocal?) {
    self.local = local
    self.value = value
    var isInherited = false
    if case .inherited = local.inheritance { isInherited = true }
    super.init(key: ObjectIdentifier(local), outer: outer, isInherited: isInherited, shown)
  }

  override func forChild(in list: LocalBinding?) -> LocalBinding? {
    switch local.inheritance {
    case .inherited: ValueBinding(local, value, list, shownLocal)
    case .derived(let derive): derived(derive(value), list)
    case .reset: list
    }
  }

  private func derived(_ value: Value, _ list: LocalBinding?) -> LocalBinding {
    ValueBinding(local, value, list, local.shownAs.map { ShownLocal($0, value) })
  }
}

extension FiberRef {
  /// The bindings with which a fiber begins that this one spawns or runs.
  @usableFromInline var inheritedLocals: LocalBinding? { pointee.surroundings.locals?.inherited }
}
