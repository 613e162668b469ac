/// The elements of a running pipeline, for a `for` loop; see `withPipeline` and `Flow.elements()`.
///
/// For one fiber. A loop cannot throw the error of an element: it ends, and `finish()` throws the error.
public final class FlowElements<Element: Sendable>: Sequence, IteratorProtocol {
  private var producer: Producer<Element>?
  private var failure: (any Error)?

  @usableFromInline
  init(_ producer: Producer<Element>) { self.producer = producer }

  deinit {
    producer?.stop()
    if let failure, !(failure is CancellationError) { Scheduler.reportSuppressed(failure) }
  }

  /// Waits for the next element; nil at the end, after an error, which `finish()` throws, and in a cancelled scope.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func next() -> Element? {
    guard let producer else { return nil }
    do {
      if let element = try producer.next() { return element }
    } catch {
      failure = error
    }
    stop()
    return nil
  }

  /// Throws the error that has ended the elements; does nothing if they came to their end, or were not awaited.
  ///
  /// Never blocks. If it is not called, the suppressed-error handler receives the error when the elements are released.
  ///
  /// - Throws: the error; `CancellationError` if the current scope is cancelled.
  public func finish() throws {
    if let failure {
      self.failure = nil
      throw failure
    }
    try Fiber.checkCancellation()
  }

  /// Cancels what is upstream; no more elements come.
  ///
  /// Never blocks. The release of the last reference does the same.
  public func stop() {
    producer?.stop()
    producer = nil
  }
}

extension Flow {
  /// Runs the flow in the ambient nursery, for a `for` loop without a scope of its own.
  ///
  ///     let lines = try flow.elements()
  ///     for line in lines { print(line) }
  ///     try lines.finish()
  ///
  /// The children of the run belong to the ambient nursery: they are cancelled when the returned object stops or is
  /// released, and that nursery waits for them. `withPipeline` waits for them itself. Traps outside any nursery.
  ///
  /// A cancellation point, because a source may open a file or start a command.
  ///
  /// - Throws: the errors of sources that cannot begin; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func elements() throws -> FlowElements<Element> {
    try Fiber.checkCancellation()
    return FlowElements(try open(ambientNursery("Flow.elements")))
  }
}
