extension BufferedReader {
  /// Reads a value that `parse` makes of the bytes; the general form of the other calls.
  ///
  ///     // A length byte, and that number of bytes.
  ///     let name = try reader.parse(limit: 256) { bytes, _ -> (String, Int)? in
  ///       guard let length = bytes.first, bytes.count > length else { return nil }
  ///       return (String(decoding: bytes[1...Int(length)], as: UTF8.self), 1 + Int(length))
  ///     }
  ///
  /// `parse` gets the buffered bytes in place, and again when there are more. It returns nil if they are not enough,
  /// else a value and the number of bytes that it takes. Write `-> (Value, Int)?`, because the compiler cannot infer
  /// the type from nil. `parse` must not wait, nor keep the bytes. If it throws, none have been taken. A cancellation
  /// point.
  ///
  /// - Parameter limit: how many bytes a value may take.
  /// - Throws: `InputTooLongError` as soon as it needs more; `UnexpectedEndError` if at the end of the input they are
  ///   still not enough; errors of `parse` and the stream; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @inlinable
  public func parse<Value>(
    limit: Int, _ parse: (_ bytes: UnsafeRawBufferPointer, _ isAtEnd: Bool) throws -> (Value, Int)?
  ) throws -> Value {
    var value: Value?
    try take(limit: limit) { bytes, isAtEnd in
      guard let (found, count) = try parse(bytes, isAtEnd) else { return nil }
      value = found
      return count
    }
    return value!
  }

  /// The part of `parse` that does not depend on the type of the value: unspecialised generic code would ask the
  /// runtime for types at every call.
  @usableFromInline
  func take(
    limit: Int, _ count: (_ bytes: UnsafeRawBufferPointer, _ isAtEnd: Bool) throws -> Int?
  ) throws {
    try take { isAtEnd in try self.parsed(limit, isAtEnd) { try count($0, $1).map { ((), $0) } } }
  }

  /// The operation that reads a value that `parse` makes of the bytes; see `parse(limit:_:)`.
  public func parseOp<Value>(
    limit: Int,
    _ parse: @escaping (_ bytes: UnsafeRawBufferPointer, _ isAtEnd: Bool) throws -> (Value, Int)?
  ) -> Op<Value> {
    takeOp { try self.parsed(limit, $0, parse) }
  }

  private func parsed<Value>(
    _ limit: Int, _ isAtEnd: Bool,
    _ parse: (_ bytes: UnsafeRawBufferPointer, _ isAtEnd: Bool) throws -> (Value, Int)?
  ) throws -> Value? {
    guard let (value, count) = try parse(queue.bytes, isAtEnd) else {
      if queue.count > limit { throw InputTooLongError(limit: limit) }
      if isAtEnd { throw UnexpectedEndError(wanted: nil, got: queue.count) }
      return nil
    }
    if count > limit { throw InputTooLongError(limit: limit) }
    require((0...queue.count).contains(count), "parse has taken \(count) of \(queue.count) bytes")
    drop(count)
    return value
  }
}
