/// The values that are bound on a fiber, innermost first: an immutable list that children share with those who spawned them.
class LocalBinding: @unchecked Sendable {
  /// The local that is bound.
  let key: ObjectIdentifier
  let outer: LocalBinding?
  /// Whether a child may share the list as it is.
  let isInheritedWhole: Bool

  init(key: ObjectIdentifier, outer: LocalBinding?, isInherited: Bool) {
    self.key = key
    self.outer = outer
    isInheritedWhole = isInherited && outer?.isInheritedWhole ?? true
  }

  /// What a child is given in its place.
  final var inherited: LocalBinding? { isInheritedWhole ? self : forChild() }

  func forChild() -> LocalBinding? { fatalError("a binding is a ValueBinding") }
}

final class ValueBinding<Value: Sendable>: LocalBinding, @unchecked Sendable {
  let value: Value
  /// Kept, so that the key is nobody else's while this lives.
  private let local: FiberLocal<Value>

  init(_ local: FiberLocal<Value>, _ value: Value, _ outer: LocalBinding?) {
    self.local = local
    self.value = value
    var isInherited = false
    if case .inherited = local.inheritance { isInherited = true }
    super.init(key: ObjectIdentifier(local), outer: outer, isInherited: isInherited)
  }

  override func forChild() -> LocalBinding? {
    let outer = outer?.inherited
    switch local.inheritance {
    case .inherited: return ValueBinding(local, value, outer)
    case .derived(let derive): return ValueBinding(local, derive(value), outer)
    // Also hides what an outer binding of the same local would give.
    case .reset: return outer == nil ? nil : ValueBinding(local, local.defaultValue, outer)
    }
  }
}

extension FiberRef {
  /// What a fiber spawned by this one, or run inside it, begins with.
  var inheritedLocals: LocalBinding? { pointee.locals?.inherited }
}
