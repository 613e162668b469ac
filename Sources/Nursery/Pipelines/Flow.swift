/// A pipeline: elements that come one after another, and what is done with them on the way.
///
///     let totals = try orders.pipeline()
///       .filter { $0.isPaid }
///       .concurrentMap(limit: 8) { try price(of: $0) }
///       .chunked(count: 100, orAfter: .seconds(1))
///       .map { $0.reduce(0, +) }
///     try totals.forEach { print($0) }
///
/// A flow is a description: it does nothing until a terminal call (`forEach`, `collect`, `fold`, `first`), `elements()`
/// or `withPipeline` runs it. Each run begins anew. Begin one by `pipeline()` on a channel or sequence, by
/// `Flow { yielder in }`, or by a source such as `Flow.lines(of:)`.
///
/// A run is a nursery. Operators that only look at one element after another (`map`, `filter`, `scan`) run in the
/// fiber that asks for the elements, with no channel between them. Operators that do several things at a time
/// (`buffer`, `merge`, `concurrentMap`, `debounce`) run what is before them in a child. When the loop ends in any way,
/// the children are cancelled, and the call returns when they have ended.
///
/// An error of a source or a closure ends the run. The elements before it arrive first; then the terminal call throws
/// it as it is.
///
/// Writing an operator down allocates its description. A run allocates one object for each operator without a child,
/// some 20 for one with a child, and nothing for an element that passes; only `flatMap`, and operators that make arrays
/// or groups, allocate for what they make.
public struct Flow<Element: Sendable>: Sendable {
  /// Begins a run, whose children belong to the nursery.
  @usableFromInline let open: @Sendable (NurseryRef) throws -> Producer<Element>
  /// The channel that the elements come from unchanged, if they do: an operator needs no child to wait for it.
  @usableFromInline let channel: Channel<Element>?

  @inlinable
  init(of channel: Channel<Element>? = nil, open: @escaping @Sendable (NurseryRef) throws -> Producer<Element>) {
    self.open = open
    self.channel = channel
  }

  /// The flow of what `body` yields, written as straight code.
  ///
  ///     let squares = Flow<Int> { yielder in
  ///       for number in 1... { try yielder.yield(number * number) }
  ///     }
  ///
  /// Each run calls `body` anew, on a stack of its own. When the run ends early, its pending `yield` throws
  /// `CancellationError`. An error of `body` is thrown by the run.
  public init(_ body: @escaping @Sendable (Generator<Element>.Yielder) throws -> Void) {
    self.init { _ in GeneratorProducer(Generator(body)) }
  }

  /// The flow of a sequence that cannot be shared, for a single run.
  ///
  /// A second run is a mistake that traps.
  @inlinable
  public init<Source: Sequence>(once elements: sending Source) where Source.Element == Element {
    let once = Once {
      var iterator = elements.makeIterator()
      return SequenceProducer { iterator.next() }
    }
    self.init { _ in once.begin() }
  }

  /// The flow of a generator, for a single run, which throws the generator's error.
  ///
  /// A second run is a mistake that traps. `Flow { yielder in }` can run any number of times.
  public init(once generator: sending Generator<Element>) {
    let once = Once { GeneratorProducer(generator) }
    self.init { _ in once.begin() }
  }
}

extension Sequence where Self: Sendable, Element: Sendable {
  /// The flow of the elements; each run iterates from the beginning.
  ///
  /// A run looks for a cancellation before each element, so it can be ended also if nothing in it waits.
  @inlinable
  public func pipeline() -> Flow<Element> {
    Flow { _ in
      var iterator = self.makeIterator()
      return SequenceProducer { iterator.next() }
    }
  }
}

extension Channel {
  /// The flow of the elements, which ends when the channel is closed and drained.
  ///
  /// Runs share the elements. An operator that runs in a child may have taken elements that the loop has not seen when
  /// it ends; they are lost.
  @inlinable
  public func pipeline() -> Flow<Element> { Flow(of: self) { _ in Feed(of: self) } }
}

/// A source that was given away to the flow, and is used by one run.
@usableFromInline
final class Once<Element>: @unchecked Sendable {
  private let isUsed = Protected(false)
  private let make: () -> Producer<Element>

  @usableFromInline
  init(_ make: @escaping () -> Producer<Element>) { self.make = make }

  @usableFromInline
  func begin() -> Producer<Element> {
    let isSecond = isUsed.withLock { isUsed in
      defer { isUsed = true }
      return isUsed
    }
    require(!isSecond, "a second run of Flow(once:); write Flow { yielder in } or use a Sendable sequence")
    return make()
  }
}
