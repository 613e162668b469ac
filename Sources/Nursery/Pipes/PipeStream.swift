/// One end of a pipe: bytes written to one end are read from the other.
///
/// It belongs to the nursery in which it was made, which closes it when all its fibers have ended; it is closed earlier
/// by `close()`, or with the last reference to it. If the reading end is closed, a write throws `SystemError`. From the
/// first pipe on SIGPIPE, which would end the process, is ignored, unless the program handles it.
public final class PipeStream: ReadableStream, WritableStream, CustomStringConvertible, Sendable {
  let descriptor: Descriptor
  private let name: String
  /// A socket's calls must not wait, even once a child shares it.
  private let isSocket: Bool

  /// Adopts a descriptor of a pipe, a terminal or a FIFO: makes it non-blocking, and closes it with the stream.
  ///
  /// - Parameter name: for messages: "the output of sort".
  /// - Throws: `SystemError` if the descriptor is not open. Then it is not adopted.
  public convenience init(adopting number: Int32, name: String = "a pipe") throws {
    let result = System.isMissing(number) ? -System.badDescriptor : System.setNonblocking(number, true)
    try checked("use descriptor \(number) as \(name)", result)
    self.init(number, name, isSocket: System.isSocket(number))
  }

  private init(_ number: Int32, _ name: String, isSocket: Bool) {
    System.ignoreWriteSignals()
    descriptor = Descriptor(adopting: number)
    self.name = name
    self.isSocket = isSocket
  }

  deinit {
    descriptor.noteDropped(name)
    close()
  }

  /// Makes a pipe and returns its two ends.
  ///
  /// Never blocks.
  ///
  /// - Throws: `SystemError` if no descriptor is left.
  public static func pair() throws -> (reader: PipeStream, writer: PipeStream) {
    let (result, reader, writer) = System.pipe()
    try checked("make a pipe", result)
    return (
      PipeStream(reader, "a pipe's reading end", isSocket: false),
      PipeStream(writer, "a pipe's writing end", isSocket: false)
    )
  }

  /// Reads the available bytes into `buffer`: returns their number, 0 at the end, nil if none are available yet.
  ///
  /// Never blocks.
  ///
  /// - Throws: `SystemError`; `StreamClosedError` if it was closed here.
  public func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    if buffer.isEmpty { return 0 }
    return try descriptor.attempt(.readable) { read($0, buffer) }.value("read from", self)
  }

  /// Waits until bytes are available, and reads them into `buffer`: returns their number, 0 at the end.
  ///
  /// A cancellation point; then nothing has been read. Allocates nothing.
  ///
  /// - Throws: as `tryRead`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if buffer.isEmpty { return 0 }
    return try descriptor.perform(.readable) { read($0, buffer) }.value("read from", self)!
  }

  /// The operation that commits when `attempt`, which tries to read, returns a value; see `ReadableStream`.
  public func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    descriptor.op(.readable, keeping: self, attempt)
  }

  /// Writes as many bytes as fit: returns their number, nil if there is no room yet.
  ///
  /// Never blocks.
  ///
  /// - Throws: `SystemError` if the reading end is closed; `StreamClosedError` if it was closed here.
  public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    if bytes.isEmpty { return 0 }
    return try descriptor.attempt(.writable) { write($0, bytes) }.value("write to", self)
  }

  /// Waits until there is room, and writes as many bytes as fit: returns their number, at least 1 unless `bytes` is
  /// empty.
  ///
  /// A cancellation point; then nothing has been written. Allocates nothing.
  ///
  /// - Throws: as `tryWrite`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func write(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    if bytes.isEmpty { return 0 }
    return try descriptor.perform(.writable) { write($0, bytes) }.value("write to", self)!
  }

  /// The operation that commits when `attempt`, which tries to write, returns a value; see `WritableStream`.
  public func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    descriptor.op(.writable, keeping: self, attempt)
  }

  private func read(_ number: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    isSocket ? System.receive(number, buffer) : System.read(number, buffer)
  }

  private func write(_ number: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    isSocket ? System.send(number, bytes) : System.write(number, bytes)
  }

  /// Closes this end.
  ///
  /// Pending calls throw `StreamClosedError`; the other end reads the end or fails to write.
  ///
  /// Never blocks. Closing it again does nothing.
  public func close() { descriptor.close() }

  /// Whether it has been closed here.
  public var isClosed: Bool { descriptor.isClosed }

  /// The descriptor's number, for system calls that have no other form here.
  ///
  /// The stream closes it. It is -1 once the stream is closed.
  public var fileDescriptor: Int32 { descriptor.openNumber }

  /// Its name.
  public var description: String { name }
}
