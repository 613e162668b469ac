extension Sequence where Element: Sendable {
  /// Transforms the elements in up to `limit` fibers at once and returns the results in the order of the elements.
  ///
  ///     let pages = try addresses.concurrentMap(limit: 8) { try fetch($0) }
  ///
  /// The next element is taken when a fiber has taken the one before, so the sequence may be long, lazy, or a channel.
  /// All results are kept until the end. A cancellation point.
  ///
  /// - Parameters:
  ///   - limit: the largest number of fibers; traps if it is less than 1. `.max` for a fiber for every element.
  ///   - transform: called on those fibers, at the same time for several elements.
  /// - Throws: the first failure, as it is, after the others have been cancelled and have ended; `CancellationError` if
  ///   the current scope is cancelled, or if a transform throws one by itself, which ends the map in the same way.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  @discardableResult
  public func concurrentMap<Transformed: Sendable>(
    limit: Int, file: StaticString = #fileID, line: UInt = #line,
    _ transform: @escaping @Sendable (Element) throws -> Transformed
  ) throws -> [Transformed] {
    if limit < 1 {
      fatalError("\(file):\(line): concurrentMap(limit: \(limit)): nothing could ever run; write 1 or more, or .max")
    }
    return try withNursery("concurrentMap", file: file, line: line) { nursery in
      // A transform that ends without a result cancels this scope, and so ends the loop in any wait; a failure does
      // that through the nursery.
      let results = try withCancelScope { loop in
        let work = Channel<(index: Int, element: Element)>()
        var helpers: [Fiber<[(Int, Transformed)]>] = []
        var count = 0
        for element in self {
          let item = (index: count, element: element)
          count += 1
          if try work.trySend(item) { continue }
          if helpers.count == limit {
            try work.send(item)
          } else {
            helpers.append(
              nursery.goAsync(placement: .spread, file: file, line: line) {
                do {
                  var results = [(item.index, try transform(item.element))]
                  for next in work { results.append((next.index, try transform(next.element))) }
                  return results
                } catch let error as CancellationError {
                  loop.cancel("a transform has ended without a result")
                  throw error
                }
              })
          }
        }
        work.close()
        // A channel's elements also end in a cancelled scope.
        try Fiber.checkCancellation()
        return try inOrder(waitAll(helpers), count: count)
      }
      guard let results else { throw CancellationError() }
      return results
    }
  }
}

/// Sorts results by the places that they carry.
private func inOrder<Value>(_ lists: [[(Int, Value)]], count: Int) -> [Value] {
  var places = [Value?](repeating: nil, count: count)
  for list in lists {
    for (place, value) in list { places[place] = value }
  }
  return places.map { $0! }
}
