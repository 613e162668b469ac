#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension BufferedReader {
  /// Reads the bytes before `delimiter`, and skips the delimiter; nil at the end of the input.
  ///
  /// A cancellation point.
  ///
  /// - Parameter limit: how many bytes may come before it.
  /// - Throws: `LineTooLongError` as soon as there are more; `UnexpectedEndError` if the input ends before the
  ///   delimiter; the stream's errors; `CancellationError` if the current scope is cancelled. Nothing has been taken
  ///   then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func readUntil(_ delimiter: [UInt8], limit: Int = BufferedReader.usualLineLimit) throws -> [UInt8]? {
    try take { try self.bytes(before: delimiter, limit, $0) }
  }

  /// The operation that reads the bytes before `delimiter`; see `readUntil(_:limit:)`.
  public func readUntilOp(_ delimiter: [UInt8], limit: Int = BufferedReader.usualLineLimit) -> Op<[UInt8]?> {
    takeOp { try self.bytes(before: delimiter, limit, $0) }
  }

  /// The bytes before the delimiter; nil if it has not come yet, an inner nil at the end.
  private func bytes(before delimiter: [UInt8], _ limit: Int, _ isAtEnd: Bool) throws -> [UInt8]?? {
    require(!delimiter.isEmpty, "readUntil needs a delimiter of at least one byte; write [10] for a line feed")
    if let end = find(delimiter) {
      if end > limit { throw LineTooLongError(limit: limit) }
      defer { drop(end + delimiter.count) }
      return [UInt8](queue.bytes.prefix(end))
    }
    if sought > limit { throw LineTooLongError(limit: limit) }
    guard isAtEnd else { return nil }
    if queue.isEmpty { return .some(nil) }
    throw UnexpectedEndError(wanted: nil, got: queue.count)
  }

  /// The place in the buffer where the delimiter begins.
  ///
  /// Bytes that were searched without success are not searched again. Otherwise an input that comes byte by byte would
  /// take quadratic time.
  func find(_ delimiter: [UInt8]) -> Int? {
    let bytes = queue.bytes
    guard let base = bytes.baseAddress else { return nil }
    var place = sought > 0 && soughtDelimiter == delimiter ? sought : 0
    while place < bytes.count, let hit = memchr(base + place, Int32(delimiter[0]), bytes.count - place) {
      place = UnsafeRawPointer(hit) - base
      let isWhole = place + delimiter.count <= bytes.count
      if !isWhole { return notFound(delimiter, before: place) }
      if delimiter.count == 1 || memcmp(hit, delimiter, delimiter.count) == 0 { return place }
      place += 1
    }
    return notFound(delimiter, before: bytes.count)
  }

  private func notFound(_ delimiter: [UInt8], before place: Int) -> Int? {
    sought = place
    soughtDelimiter = delimiter
    return nil
  }
}
