extension Channel {
  /// Waits for an element, and takes it and those that are available then, at most `limit`.
  ///
  /// Returns at least one. A cancellation point. Traps if the limit is not positive.
  ///
  /// - Throws: `ChannelClosedError` when the channel is closed and drained; `CancellationError` if the current scope is
  ///   cancelled: then no element has been taken.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func receiveMany(upTo limit: Int) throws -> [Element] {
    Self.check(limit)
    return takeAvailable(after: try receive(), limit)
  }

  /// The operation that takes an element and those that are available then, at most `limit`.
  ///
  /// It fails with `ChannelClosedError` when the channel is closed and drained. Traps if the limit is not positive.
  public func receiveManyOp(upTo limit: Int) -> Op<[Element]> {
    Self.check(limit)
    return receiveOp().wrap { [self] in takeAvailable(after: $0, limit) }
  }

  private static func check(_ limit: Int) {
    require(limit > 0, "receiveMany(upTo: \(limit)) would return nothing; write a limit of at least 1")
  }

  private func takeAvailable(after first: Element, _ limit: Int) -> [Element] {
    var elements = [first]
    while elements.count < limit, let element = tryReceive() { elements.append(element) }
    return elements
  }

  /// Waits until the first element can be sent, and sends it and those that follow it as long as they need not wait.
  ///
  ///     var rest = elements[...]
  ///     while !rest.isEmpty { rest = rest.dropFirst(try channel.sendMany(rest)) }
  ///
  /// At a channel of the newest or oldest elements all are sent, and some may be dropped.
  ///
  /// A cancellation point.
  ///
  /// - Returns: how many have been sent, from the first one; 0 only if there are none.
  /// - Throws: `ChannelClosedError` when the channel is or gets closed; `CancellationError` if the current scope is
  ///   cancelled. In both cases no element was delivered.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func sendMany(_ elements: some Collection<Element>) throws -> Int {
    guard let first = elements.first else { return 0 }
    try send(first)
    return 1 + sendAtOnce(elements.dropFirst())
  }

  /// The operation that sends the first element and those that follow it as long as they need not wait; its value is
  /// how many it has sent.
  ///
  /// It fails with `ChannelClosedError` when the channel is closed. Without elements it commits at once.
  public func sendManyOp(_ elements: some Collection<Element>) -> Op<Int> {
    guard let first = elements.first else { return .always(0) }
    return sendOp(first).wrap { [self] in 1 + sendAtOnce(elements.dropFirst()) }
  }

  /// Sends elements from the front until one would wait, or the channel is closed.
  private func sendAtOnce(_ elements: some Collection<Element>) -> Int {
    var count = 0
    for element in elements {
      guard (try? trySend(element)) == true else { break }
      count += 1
    }
    return count
  }
}
