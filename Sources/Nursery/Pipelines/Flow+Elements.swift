extension Flow {
  /// Transforms each element.
  @inlinable
  public func map<Output>(_ transform: @escaping @Sendable (Element) throws -> Output) -> Flow<Output> {
    step(()) { upstream, _ in try upstream.next().map(transform) }
  }

  /// Keeps the elements that satisfy a condition.
  @inlinable
  public func filter(_ isIncluded: @escaping @Sendable (Element) throws -> Bool) -> Flow<Element> {
    step(()) { upstream, _ in
      while let element = try upstream.next() {
        if try isIncluded(element) { return element }
      }
      return nil
    }
  }

  /// Transforms each element, and drops those for which `transform` returns nil.
  @inlinable
  public func compactMap<Output>(_ transform: @escaping @Sendable (Element) throws -> Output?) -> Flow<Output> {
    step(()) { upstream, _ in
      while let element = try upstream.next() {
        if let output = try transform(element) { return output }
      }
      return nil
    }
  }

  /// Combines the elements with a value, one after another, and hands out each value.
  ///
  ///     numbers.scan(0) { $0 + $1 }   // of 1, 2, 3: 1, 3, 6
  @inlinable
  public func scan<Value: Sendable>(
    _ initial: Value, _ combine: @escaping @Sendable (_ value: Value, _ element: Element) throws -> Value
  ) -> Flow<Value> {
    step(initial) { upstream, value in
      guard let element = try upstream.next() else { return nil }
      value = try combine(value, element)
      return value
    }
  }

  /// Ends after `count` elements, and stops what is upstream when the last of them has come.
  @inlinable
  public func prefix(_ count: Int) -> Flow<Element> {
    require(count >= 0, "prefix(\(count)): write 0 or more")
    return step(count) { upstream, left in
      if left == 0 {
        // Of a prefix of none.
        upstream.stop()
        return nil
      }
      let element = try upstream.next()
      left -= 1
      if left == 0 { upstream.stop() }
      return element
    }
  }

  /// Ends before the first element that does not satisfy a condition, and stops what is upstream.
  @inlinable
  public func prefix(while isIncluded: @escaping @Sendable (Element) throws -> Bool) -> Flow<Element> {
    step(()) { upstream, _ in
      guard let element = try upstream.next() else { return nil }
      if try isIncluded(element) { return element }
      upstream.stop()
      return nil
    }
  }

  /// Leaves out the first `count` elements.
  @inlinable
  public func dropFirst(_ count: Int = 1) -> Flow<Element> {
    require(count >= 0, "dropFirst(\(count)): write 0 or more")
    return step(count) { upstream, left in
      while left > 0 {
        left -= 1
        if try upstream.next() == nil { return nil }
      }
      return try upstream.next()
    }
  }

  /// Leaves out the elements before the first that does not satisfy a condition.
  @inlinable
  public func drop(while isDropped: @escaping @Sendable (Element) throws -> Bool) -> Flow<Element> {
    step(true) { upstream, isDropping in
      while let element = try upstream.next() {
        isDropping = try isDropping && isDropped(element)
        if !isDropping { return element }
      }
      return nil
    }
  }

  /// Leaves out an element whose key equals that of the element before it.
  @inlinable
  public func distinct<Key: Equatable & Sendable>(
    by key: @escaping @Sendable (Element) throws -> Key
  ) -> Flow<Element> {
    step(Key?.none) { upstream, last in
      while let element = try upstream.next() {
        let key = try key(element)
        if key == last { continue }
        last = key
        return element
      }
      return nil
    }
  }

  /// Gathers the elements in arrays of `count`; the last one may be shorter.
  ///
  /// The elements before an error are handed out first.
  @inlinable
  public func chunked(count: Int) -> Flow<[Element]> {
    require(count >= 1, "chunked(count: \(count)): a chunk holds at least one element; write 1 or more")
    return step((any Error)?.none) { upstream, failure in
      if let failure { throw failure }
      var chunk: [Element] = []
      do {
        while chunk.count < count, let element = try upstream.next() { chunk.append(element) }
      } catch {
        if chunk.isEmpty || Fiber.isCancelled { throw error }
        failure = error
      }
      return chunk.isEmpty ? nil : chunk
    }
  }

  /// Throws `TimeoutError` if an element, or the end, does not come within a time from when it was asked for.
  @inlinable
  public func timeout(
    _ duration: Duration, file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<Element> {
    step(()) { upstream, _ in try withTimeout(duration, file: file, line: line) { try upstream.next() } }
  }
}

extension Flow where Element: Equatable {
  /// Leaves out an element that equals the one before it.
  @inlinable
  public func distinct() -> Flow<Element> { distinct { $0 } }
}
