/// A sequence written as a function that yields its elements one at a time, on demand.
///
///     let squares = Generator<Int> { yielder in
///       for number in 1... { try yielder.yield(number * number) }
///     }
///     print(Array(squares.prefix(3)))   // [1, 4, 9]
///
/// Every iteration runs the function afresh, on a stack of its own. Leaving a loop early unwinds the function: its
/// pending `yield` throws `CancellationError`. Any other error of the function ends the iteration and is kept in the
/// iterator's `failure`. If `failure` is never read, as in a plain `for` loop, the scheduler's suppressed-error handler
/// gets the error when the iterator is released.
public struct Generator<Element>: Sequence {
  /// The function's side: hands out one element.
  public struct Yielder {
    @usableFromInline let base: Coroutine<Void, Element, Void>.Yielder

    @usableFromInline
    init(_ base: Coroutine<Void, Element, Void>.Yielder) {
      self.base = base
    }

    /// Hands the next element to the loop and waits until another one is wanted.
    @inlinable
    public func yield(_ element: Element) throws { try base.yield(element) }
  }

  private let body: (Yielder) throws -> Void

  /// Creates a sequence of what `body` yields.
  public init(_ body: @escaping (Yielder) throws -> Void) {
    self.body = body
  }

  /// Begins an iteration; takes a stack from the pool.
  public func makeIterator() -> Iterator { Iterator(body) }

  /// One run of the function.
  public struct Iterator: IteratorProtocol {
    private var coroutine: Coroutine<Void, Element, Void>?
    private var ending: GeneratorFailure?

    /// The error that ended the iteration, if one did: the function's, or a `StackError`.
    public var failure: (any Error)? { ending?.take() }

    fileprivate init(_ body: @escaping (Yielder) throws -> Void) {
      do {
        coroutine = try Coroutine { yielder, _ in try body(Yielder(yielder)) }
      } catch {
        ending = GeneratorFailure(error)
      }
    }

    /// Runs the function to its next `yield`; nil when it has ended.
    public mutating func next() -> Element? {
      do {
        if case .yielded(let element) = try coroutine?.resume() { return element }
      } catch {
        ending = GeneratorFailure(error)
      }
      coroutine = nil
      return nil
    }
  }
}

/// The error that ended an iteration, shared by the copies of its iterator; reported with the last one's release unless
/// read.
private final class GeneratorFailure {
  private let error: any Error
  private var isSeen = false

  init(_ error: any Error) { self.error = error }

  deinit {
    if !isSeen, !(error is CancellationError) { Scheduler.reportSuppressed(error) }
  }

  func take() -> any Error {
    isSeen = true
    return error
  }
}
