extension Flow {
  /// Calls `body` with each element, in the caller's own fiber, so it may change local variables.
  ///
  /// A cancellation point. Leaving it early, by an error of `body`, cancels what is upstream and waits for it.
  ///
  /// - Throws: the error that ends the elements, as it is; the error of `body`; `CancellationError` if the current
  ///   scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  @inlinable
  public func forEach(file: StaticString = #fileID, line: UInt = #line, _ body: (Element) throws -> Void) throws {
    try run(file, line) { upstream in
      while let element = try upstream.next() { try body(element) }
    }
  }

  /// Combines the elements with a value, one after another, and returns the last value.
  ///
  ///     let total = try numbers.fold(0) { $0 + $1 }
  ///
  /// A cancellation point; throws as `forEach`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  @inlinable
  public func fold<Value>(
    _ initial: Value, file: StaticString = #fileID, line: UInt = #line,
    _ combine: (_ value: Value, _ element: Element) throws -> Value
  ) throws -> Value {
    try run(file, line) { upstream in
      var value = initial
      while let element = try upstream.next() { value = try combine(value, element) }
      return value
    }
  }

  /// Returns all elements.
  ///
  /// A cancellation point; throws as `forEach`, and then the elements are lost.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  @inlinable
  public func collect(file: StaticString = #fileID, line: UInt = #line) throws -> [Element] {
    try run(file, line) { upstream in
      var elements: [Element] = []
      while let element = try upstream.next() { elements.append(element) }
      return elements
    }
  }

  /// Returns the first element and cancels the rest; nil if there is none.
  ///
  /// A cancellation point; throws as `forEach`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  @inlinable
  public func first(file: StaticString = #fileID, line: UInt = #line) throws -> Element? {
    try run(file, line) { try $0.next() }
  }

  /// Runs the flow in a nursery, which has ended when this returns.
  @inlinable
  func run<Result>(
    _ file: StaticString, _ line: UInt, _ body: (Producer<Element>) throws -> Result
  ) throws -> Result {
    try withNursery("pipeline", file: file, line: line) { nursery in
      try Fiber.checkCancellation()
      let elements = try open(nursery.record)
      defer { elements.stop() }
      return try body(elements)
    }
  }
}

/// Runs a flow in a nursery, and calls `body` with its elements, for a `for` loop.
///
///     try withPipeline(lines) { lines in
///       for line in lines {
///         if line == "end" { break }
///         print(line)
///       }
///     }
///
/// When `body` ends, what is upstream is cancelled, and this returns when it has ended. A cancellation point.
///
/// - Throws: the error that has ended the elements, unless `body` has got it by `finish()`; the error of `body`;
///   `CancellationError` if the current scope is cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func withPipeline<Element, Result>(
  _ flow: Flow<Element>, file: StaticString = #fileID, line: UInt = #line,
  _ body: (FlowElements<Element>) throws -> Result
) throws -> Result {
  try withNursery("pipeline", file: file, line: line) { nursery in
    try Fiber.checkCancellation()
    let elements = FlowElements(try flow.open(nursery.record))
    defer { elements.stop() }
    let result = try body(elements)
    try elements.finish()
    return result
  }
}
