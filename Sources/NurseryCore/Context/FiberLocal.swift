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
/// Bound for the time of a body, never assigned. Swift's task-locals do not follow fibers; these do. A plain thread has its own.
public final class FiberLocal<Value: Sendable>: Sendable {
  /// What a new fiber is given of the value that is bound where it is spawned.
  public enum Inheritance: Sendable {
    /// The same value.
    case inherited
    /// None: it begins with the default. For what must not be shared, such as a transaction.
    case reset
    /// What the function makes of it, called by the one who spawns. For a tracing span, whose child is a span of its own.
    case derived(@Sendable (Value) -> Value)
  }

  /// What `value` is where nothing is bound.
  public let defaultValue: Value
  /// What a new fiber is given.
  public let inheritance: Inheritance

  /// Creates a fiber-local; keep it in a `static let`.
  public init(_ defaultValue: Value, inheritance: Inheritance = .inherited) {
    self.defaultValue = defaultValue
    self.inheritance = inheritance
  }

  /// The value bound by the innermost `withValue` around; else what was inherited; else the default.
  ///
  /// Takes time in proportion to the number of bindings in force.
  public var value: Value {
    var candidate = Performer.current().pointee.locals
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
  /// Allocates one object. In the body of a coroutine or generator, do not yield inside: the binding belongs to the fiber, and
  /// whoever resumes would find it, or lose one of its own.
  @discardableResult
  public func withValue<Result, Failure: Error>(
    _ value: Value, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let me = Performer.current()
    let outer = me.pointee.locals
    // What is shadowed by its own local is not needed by anybody but this call.
    let isShadowing = outer?.key == ObjectIdentifier(self)
    let binding = ValueBinding(self, value, isShadowing ? outer?.outer : outer)
    me.pointee.locals = binding
    defer { restore(outer, in: binding, on: me) }
    return try body()
  }

  /// Ends a binding; a coroutine may have been carried to another fiber in between, and then this one's are not ours to change.
  private func restore(_ outer: LocalBinding?, in binding: LocalBinding, on me: FiberRef) {
    guard Performer.current() == me, me.pointee.locals === binding else {
      fatalError(
        "the body of FiberLocal.withValue was left in another place than it was entered: a coroutine or generator yielded in it; bind the value inside or outside of its life as a whole"
      )
    }
    me.pointee.locals = outer
  }
}
