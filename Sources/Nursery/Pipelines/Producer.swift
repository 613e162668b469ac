/// A part of a running pipeline.
///
/// It is made, asked and stopped by one fiber.
@usableFromInline
class Stage {
  @usableFromInline
  init() {}

  /// No more elements are wanted: cancels the children and releases the resources of this stage and those before it.
  ///
  /// Never blocks, and may be called again; the nursery of the run waits for the children.
  @usableFromInline
  func stop() {}
}

/// A stage that hands out elements.
///
/// `pull` is formed without captures in an inlinable initialiser, so the caller's module has it specialised: an overridden
/// method of a generic class would run unspecialised.
@usableFromInline
class Producer<Element>: Stage {
  @usableFromInline let pull: (Producer<Element>) throws -> Element?

  @inlinable
  init(_ pull: @escaping (Producer<Element>) throws -> Element?) {
    self.pull = pull
    super.init()
  }

  /// Waits for the next element; nil at the end, and after an error.
  @inlinable
  final func next() throws -> Element? { try pull(self) }
}

/// A producer that is not worth being specialised.
@usableFromInline
class PlainProducer<Element>: Producer<Element> {
  @usableFromInline
  init() { super.init { try unsafeDowncast($0, to: PlainProducer<Element>.self).produce() } }

  /// What `next` does.
  @usableFromInline
  func produce() throws -> Element? { fatalError("a producer without elements") }
}

/// An operator that runs in the fiber that asks for its elements.
///
/// The state lies in the object.
@usableFromInline
final class Step<Upstream: Stage, State, Element>: Producer<Element> {
  @usableFromInline let upstream: Upstream
  // A tracked access would stay open while the fiber waits for the upstream.
  @exclusivity(unchecked) @usableFromInline var state: State
  @exclusivity(unchecked) @usableFromInline var isEnded = false
  @usableFromInline let step: @Sendable (Upstream, inout State) throws -> Element?

  @inlinable
  init(_ upstream: Upstream, _ state: State, _ step: @escaping @Sendable (Upstream, inout State) throws -> Element?) {
    self.upstream = upstream
    self.state = state
    self.step = step
    super.init { producer in
      let me = unsafeDowncast(producer, to: Step<Upstream, State, Element>.self)
      if me.isEnded { return nil }
      do {
        if let element = try me.step(me.upstream, &me.state) { return element }
      } catch {
        me.isEnded = true
        throw error
      }
      me.isEnded = true
      return nil
    }
  }

  @usableFromInline
  override func stop() { upstream.stop() }
}

extension Flow {
  /// The flow of what `step` makes of the elements; `state` is the state at the beginning of each run.
  @inlinable
  func step<State: Sendable, Output>(
    _ state: State, _ step: @escaping @Sendable (Producer<Element>, inout State) throws -> Output?
  ) -> Flow<Output> {
    Flow<Output> { [open] nursery in Step(try open(nursery), state, step) }
  }
}

/// The elements of a sequence.
///
/// The closure that takes them comes from the caller's module: an iterator that is not specialised may allocate for
/// each element.
@usableFromInline
final class SequenceProducer<Element>: Producer<Element> {
  @exclusivity(unchecked) @usableFromInline var take: (() -> Element?)?

  @inlinable
  init(_ take: @escaping () -> Element?) {
    self.take = take
    super.init { producer in
      let me = unsafeDowncast(producer, to: SequenceProducer<Element>.self)
      try Fiber.checkCancellation()
      if let element = me.take?() { return element }
      me.take = nil
      // A sequence that waits, such as a ticker, also ends in a cancelled scope.
      try Fiber.checkCancellation()
      return nil
    }
  }

  @usableFromInline
  override func stop() { take = nil }
}

/// What a generator yields, and its error.
final class GeneratorProducer<Element>: PlainProducer<Element> {
  @exclusivity(unchecked) private var iterator: Generator<Element>.Iterator?

  init(_ generator: Generator<Element>) { iterator = generator.makeIterator() }

  override func produce() throws -> Element? {
    try Fiber.checkCancellation()
    if let element = iterator?.next() { return element }
    let failure = iterator?.failure
    iterator = nil
    if let failure { throw failure }
    return nil
  }

  /// Unwinds the generator.
  override func stop() { iterator = nil }
}
