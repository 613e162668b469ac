extension Flow {
  /// Runs the flow that `transform` makes of each element to its end, one after another.
  ///
  /// For several at the same time, write `concurrentMap` with a terminal call in it. Allocates for each element.
  public func flatMap<Output>(_ transform: @escaping @Sendable (Element) throws -> Flow<Output>) -> Flow<Output> {
    Flow<Output> { nursery in
      FlatMap(try open(nursery)) { try transform($0).open(nursery) }
    }
  }

  /// Hands out the elements of the sequence that `transform` makes of each element.
  ///
  /// Allocates for each sequence.
  @inlinable
  public func flatMap<Parts: Sequence>(
    _ transform: @escaping @Sendable (Element) throws -> Parts
  ) -> Flow<Parts.Element> where Parts.Element: Sendable {
    Flow<Parts.Element> { nursery in
      FlatMap(try open(nursery)) {
        var iterator = try transform($0).makeIterator()
        return SequenceProducer { iterator.next() }
      }
    }
  }

  /// The elements of this flow, then those of the others, each of which begins when the one before it has ended.
  public func concat(_ others: Flow<Element>...) -> Flow<Element> { .concat([self] + others) }

  /// The elements of the flows, one flow after another; see `concat(_:)`.
  public static func concat(_ flows: [Flow<Element>]) -> Flow<Element> { flows.pipeline().flatMap { $0 } }

  /// Begins what is upstream anew when it fails, after it has ended and a pause; it runs in a child.
  ///
  /// All elements come again then, unless the source remembers what it has delivered, as a channel does. Attempts are
  /// counted anew for each element. What is not retried by the function `retry` ends this flow as well: cancellations,
  /// errors of which `isTransient` says no, and pauses beyond a deadline around. The error of the last attempt ends
  /// the flow.
  public func retry(
    _ schedule: RetrySchedule, if isTransient: @escaping @Sendable (any Error) -> Bool = { _ in true },
    file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<Element> {
    let site = SourceSite(file: file, line: line)
    return Flow { nursery in
      Retrying(schedule, isTransient) { feed("retry", in: nursery, site) }
    }
  }
}

/// One producer after another, each made of an element.
@usableFromInline
final class FlatMap<Input, Element>: PlainProducer<Element> {
  private let upstream: Producer<Input>
  private let transform: (Input) throws -> Producer<Element>
  @exclusivity(unchecked) private var part: Producer<Element>?
  @exclusivity(unchecked) private var isEnded = false

  @usableFromInline
  init(_ upstream: Producer<Input>, _ transform: @escaping (Input) throws -> Producer<Element>) {
    self.upstream = upstream
    self.transform = transform
  }

  @usableFromInline
  override func produce() throws -> Element? {
    do {
      while !isEnded {
        if let element = try part?.next() { return element }
        part?.stop()
        part = nil
        guard let input = try upstream.next() else { break }
        part = try transform(input)
      }
    } catch {
      stop()
      throw error
    }
    isEnded = true
    return nil
  }

  @usableFromInline
  override func stop() {
    isEnded = true
    part?.stop()
    part = nil
    upstream.stop()
  }
}

/// A feed that is begun anew when it has failed.
private final class Retrying<Element: Sendable>: PlainProducer<Element> {
  private let schedule: RetrySchedule
  private let isTransient: (any Error) -> Bool
  private let begin: () -> Feed<Element>
  @exclusivity(unchecked) private var feed: Feed<Element>?
  @exclusivity(unchecked) private var isEnded = false

  init(
    _ schedule: RetrySchedule, _ isTransient: @escaping (any Error) -> Bool, _ begin: @escaping () -> Feed<Element>
  ) {
    self.schedule = schedule
    self.isTransient = isTransient
    self.begin = begin
  }

  override func produce() throws -> Element? {
    if isEnded { return nil }
    do {
      return try retry(schedule, if: isTransient) { _ in
        let current = feed ?? begin()
        feed = current
        do {
          return try current.next()
        } catch {
          // What failed may be the wait for the next element: its child still runs then.
          current.stop()
          feed = nil
          throw error
        }
      }
    } catch {
      isEnded = true
      throw error
    }
  }

  override func stop() { feed?.stop() }
}
