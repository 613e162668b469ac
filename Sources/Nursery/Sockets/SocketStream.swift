/// A connection: the common part of `TCPStream` and `UnixStream`.
///
/// One fiber may read while another one writes. It belongs to the nursery in which it was made. The nursery closes it
/// when all its fibers have ended; `close()`, or the release of the last reference, closes it earlier.
public class SocketStream: ReadableStream, WritableStream, CustomStringConvertible, @unchecked Sendable {
  let descriptor: Descriptor
  /// The other side's address.
  public let remoteAddress: SocketAddress
  /// Its share of a listener's limit.
  private let slot: Acceptor.Slot?

  required init(_ descriptor: Descriptor, remoteAddress: SocketAddress, slot: Acceptor.Slot? = nil) {
    self.descriptor = descriptor
    self.remoteAddress = remoteAddress
    self.slot = slot
  }

  deinit {
    descriptor.noteDropped(description)
    close()
  }

  /// Whether a read that returns less than requested has drained the stream; true if the stream keeps no message
  /// boundaries.
  var shortReadsDrain: Bool { false }

  // MARK: Reading

  /// Reads the available bytes into `buffer`: returns their number, 0 at the end, nil if none are available yet.
  ///
  /// Never blocks.
  ///
  /// - Throws: `SystemError` if the connection is broken, `StreamClosedError` if it was closed here.
  public func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    if buffer.isEmpty { return 0 }
    let wanted = shortReadsDrain ? buffer.count : nil
    return try descriptor.attempt(.readable, wanted: wanted) { System.receive($0, buffer) }.value("read from", self)
  }

  /// Waits until bytes are available, and reads them into `buffer`: returns their number, 0 at the end.
  ///
  /// A cancellation point; then nothing has been read. Allocates nothing.
  ///
  /// - Throws: as `tryRead`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if buffer.isEmpty { return 0 }
    let wanted = shortReadsDrain ? buffer.count : nil
    return try descriptor.perform(.readable, wanted: wanted) { System.receive($0, buffer) }.value("read from", self)!
  }

  /// The operation that commits when `attempt`, which tries to read, returns a value; see `ReadableStream`.
  public func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    descriptor.op(.readable, keeping: self, attempt)
  }

  // MARK: Writing

  /// Writes as many bytes as fit: returns their number, nil if there is no room yet.
  ///
  /// Never blocks.
  ///
  /// - Throws: `SystemError` if the connection is broken, `StreamClosedError` if it was closed here.
  public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    if bytes.isEmpty { return 0 }
    return try descriptor.attempt(.writable) { System.send($0, bytes) }.value("write to", self)
  }

  /// Writes several parts in one call, as many bytes as fit: returns their number, nil if there is no room yet.
  ///
  /// Never blocks.
  ///
  /// - Throws: as `tryWrite`.
  public func tryWrite(parts: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws -> Int? {
    if parts.allSatisfy(\.isEmpty) { return 0 }
    return try descriptor.attempt(.writable) { System.send($0, parts: parts) }.value("write to", self)
  }

  /// Waits until there is room, and writes as many bytes as fit: returns their number, at least 1 unless there are
  /// none.
  ///
  /// A cancellation point; then nothing has been written. Allocates nothing.
  ///
  /// - Throws: as `tryWrite`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func write(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    if bytes.isEmpty { return 0 }
    return try descriptor.perform(.writable) { System.send($0, bytes) }.value("write to", self)!
  }

  /// The operation that commits when `attempt`, which tries to write, returns a value; see `WritableStream`.
  public func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    descriptor.op(.writable, keeping: self, attempt)
  }

  // MARK: Ending

  /// Ends this side's output: the other side reads the end after the sent bytes.
  ///
  /// Reading goes on. Never blocks.
  ///
  /// - Throws: `SystemError` if the connection is broken, `StreamClosedError` if it was closed here.
  public func closeWriting() throws {
    let result = descriptor.attempt(.none) { Int(System.shutdown($0, reading: false, writing: true)) }
    _ = try result.value("half-close", self)
  }

  /// Closes the connection.
  ///
  /// Pending calls throw `StreamClosedError`.
  ///
  /// Written bytes are still delivered, unless received bytes are unread: then the other side gets a reset. Never
  /// blocks, unless `SocketOptions.linger` is set. Closing it again does nothing.
  public func close() {
    descriptor.close()
    slot?.free()
  }

  /// Whether it has been closed here.
  public var isClosed: Bool { descriptor.isClosed }

  /// The descriptor's number, for system calls that have no other form here.
  ///
  /// The stream closes it. It is -1 once the stream is closed.
  public var fileDescriptor: Int32 { descriptor.openNumber }

  /// This side's address; `unnamed` once it has been closed.
  public var localAddress: SocketAddress {
    var address: RawAddress?
    _ = descriptor.attempt(.none) { number in
      address = System.localAddress(number)
      return 0
    }
    return address.map { SocketAddress($0) } ?? .unnamed
  }

  /// "the stream to 127.0.0.1:80".
  public var description: String { "the stream to \(remoteAddress)" }
}
