/// A value that belongs to a fiber: a request's number, a logger, a span.
///
///     enum Request {
///       static let id = FiberLocal("none")
///     }
///
///     try Request.id.withValue("r-17") {
///       log("begin")                     // reads Request.id.value
///       goAsync { try log("in a child") } // inherits it
///     }
///
/// Bound for the time of a body, never assigned. A plain thread has its own. Swift's task-locals follow fibers, too, and
/// go into tasks; a fiber-local can be reset or derived for each child.
public final class FiberLocal<Value: Sendable>: Sendable {
  /// How a new fiber inherits the value that is bound where it is spawned.
  public enum Inheritance: Sendable {
    /// The same value.
    case inherited
    /// None: it begins with the default. For values that must not be shared, such as a transaction.
    case reset
    /// The function's result; the spawning fiber calls it. For a tracing span, whose child is a span of its own.
    case derived(@Sendable (Value) -> Value)
  }

  /// The value where nothing is bound.
  public let defaultValue: Value
  /// How a new fiber inherits the value.
  public let inheritance: Inheritance
  /// What dumps call it; nil if they do not show it.
  public let shownAs: String?

  /// Creates a fiber-local; keep it in a `static let`.
  ///
  /// - Parameters:
  ///   - defaultValue: the value where nothing is bound.
  ///   - inheritance: how a new fiber inherits the value.
  ///   - name: what a `FiberDump` calls it, beside the value's text, of each fiber that waits in an operation while a
  ///     value is bound. To bind a value then makes its text (`"\(value)"`), because a dump runs no code of the
  ///     program. Nil: dumps do not show it.
  public init(_ defaultValue: Value, inheritance: Inheritance = .inherited, shownAs name: String? = nil) {
    self.defaultValue = defaultValue
    self.inheritance = inheritance
    shownAs = name
  }

  /// The value bound by the innermost `withValue` around; else what was inherited; else the default.
  ///
  /// Takes time proportional to the number of bindings in force.
  public var value: Value {
    var candidate = Performer.current().pointee.surroundings.locals
    while let binding = candidate {
      if binding.key == ObjectIdentifier(self) {
        return unsafeDowncast(binding, to: ValueBinding<Value>.self).value
      }
      candidate = binding.outer
    }
    return defaultValue
  }

  /// Runs `body` with the value bound; children that are spawned inside inherit it as the local's policy says.
  ///
  /// Allocates one object. In the body of a coroutine or generator the binding is the coroutine's: when the body
  /// yields, it takes the binding along and leaves the bindings of the fiber that resumed it as they were.
  @discardableResult
  public func withValue<Result, Failure: Error>(
    _ value: Value, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // To make the text runs user code, after which another fiber may run a coroutine's body.
    let shown = shownAs.map { ShownLocal($0, value) }
    let me = Performer.current()
    let outer = me.pointee.surroundings.locals
    // Only this call needs a binding that a newer one of the same local shadows.
    let isShadowing = outer?.key == ObjectIdentifier(self)
    let binding = ValueBinding(self, value, isShadowing ? outer?.outer : outer, shown)
    me.pointee.surroundings.locals = binding
    // In a coroutine the performer may be another by then.
    defer { Performer.current().pointee.surroundings.locals = outer }
    return try body()
  }
}
