/// A sink of bytes: a connection, a pipe, a file, memory.
///
/// A conforming type implements writing without waiting (`tryWrite`) and waiting until a retry may succeed
/// (`whenWritableOp`). The other calls are derived from these two. One fiber writes at a time, unless the type says
/// otherwise.
public protocol WritableStream: AnyObject, Sendable {
  /// Writes as many bytes as fit: returns their number, at least 1, or nil if there is no room yet.
  ///
  /// Never blocks, and is no cancellation point. If `bytes` is empty, returns 0 at once.
  ///
  /// - Throws: `SystemError` if the stream is broken, `StreamClosedError` if it has been closed here.
  func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int?

  /// Writes several parts as if they were one, as many bytes as fit.
  ///
  /// - Throws: as `tryWrite`.
  func tryWrite(parts: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws -> Int?

  /// Whether `tryWrite` only accepts bytes, which are written later; false unless a type says otherwise.
  ///
  /// If so, an operation of `whenWritableOp`, after it has committed, waits until the accepted bytes are written, and
  /// throws the error if they cannot be. A stream that passes its bytes on to another returns the other's value.
  var writesLater: Bool { get }

  /// The operation that commits when `attempt` returns a value.
  ///
  /// `attempt` uses `tryWrite`. It is called on the performing fiber, first at once and then whenever there may be
  /// room. It is not called after the operation has committed or was abandoned. The perform throws the errors of
  /// `attempt`. It must not wait.
  func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value>

  /// Waits until there is room, and writes as many bytes as fit: returns their number, at least 1 unless there are
  /// none.
  ///
  /// A cancellation point; then nothing has been written. `writeAll` writes everything.
  ///
  /// - Throws: as `tryWrite`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  func write(_ bytes: UnsafeRawBufferPointer) throws -> Int

  /// Closes the stream.
  ///
  /// Pending writes throw `StreamClosedError`.
  ///
  /// Never blocks. Closing it again does nothing.
  func close()
}

extension WritableStream {
  /// False: `tryWrite` writes the bytes.
  public var writesLater: Bool { false }

  /// Writes the first part that is not empty, as many bytes as fit.
  ///
  /// - Throws: as `tryWrite`.
  public func tryWrite(parts: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws -> Int? {
    guard let part = parts.first(where: { !$0.isEmpty }) else { return 0 }
    return try tryWrite(part)
  }

  /// Waits until there is room, and writes as many bytes as fit: returns their number, at least 1 unless there are
  /// none.
  ///
  /// A cancellation point; then nothing has been written. `writeAll` writes everything.
  ///
  /// - Throws: as `tryWrite`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func write(_ bytes: UnsafeRawBufferPointer) throws -> Int { try writeOp(bytes).perform() }

  /// The operation that writes as many bytes as fit; `bytes` must stay valid while it is performed.
  ///
  /// Its value is the number of bytes. An operation that is not chosen has written nothing.
  public func writeOp(_ bytes: UnsafeRawBufferPointer) -> Op<Int> {
    whenWritableOp { try self.tryWrite(bytes) }
  }

  /// Waits until there is room, and writes as many bytes as fit: returns their number, at least 1 unless there are
  /// none.
  ///
  /// A cancellation point; then nothing has been written. `writeAll` writes everything.
  ///
  /// - Throws: as `tryWrite`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func write(_ bytes: [UInt8]) throws -> Int { try bytes.withUnsafeBytes { try write($0) } }

  /// The operation that writes as many bytes as fit; its value is their number.
  ///
  /// An operation that is not chosen has written nothing.
  public func writeOp(_ bytes: [UInt8]) -> Op<Int> {
    whenWritableOp { try bytes.withUnsafeBytes { try self.tryWrite($0) } }
  }

  /// Writes all bytes, waiting as often as necessary.
  ///
  /// A cancellation point. If it throws, some of the bytes may have been written: it is unknown how much the peer has
  /// got, so close the stream then. To be able to go on, write through a `BufferedWriter`, which keeps what is left.
  ///
  /// - Throws: as `write`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty { rest = rest.dropFirst(try write(UnsafeRawBufferPointer(rebasing: rest))) }
  }

  /// Writes all bytes, waiting as often as necessary.
  ///
  /// A cancellation point. If it throws, some of the bytes may have been written; see `writeAll(_:)` for raw bytes.
  ///
  /// - Throws: as `write`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func writeAll(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try writeAll($0) } }

  /// Writes a text in UTF-8, waiting as often as necessary.
  ///
  /// A cancellation point. If it throws, some of the bytes may have been written; see `writeAll(_:)` for raw bytes.
  ///
  /// - Throws: as `write`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func writeAll(_ text: String) throws {
    var text = text
    try text.withUTF8 { try writeAll(UnsafeRawBufferPointer($0)) }
  }
}
