/// A source of bytes: a connection, a pipe, a file, memory.
///
/// A conforming type implements reading without waiting (`tryRead`) and waiting until a retry may succeed
/// (`whenReadableOp`). The other calls are derived from these two. One fiber reads at a time, unless the type says
/// otherwise.
public protocol ReadableStream: AnyObject, Sendable {
  /// Reads the available bytes into `buffer`: returns their number, 0 at the end, nil if none are available yet.
  ///
  /// Never blocks, and is no cancellation point. An empty buffer reads 0 bytes.
  ///
  /// - Throws: `SystemError` if the stream is broken, `StreamClosedError` if it has been closed here.
  func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int?

  /// The operation that commits when `attempt` returns a value.
  ///
  /// `attempt` uses `tryRead`. It is called on the performing fiber, first at once and then whenever there may be more
  /// to read. It is not called after the operation has committed or was abandoned. The perform throws the errors of
  /// `attempt`. It must not wait.
  func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value>

  /// Waits until bytes are available, and reads them into `buffer`: returns their number, 0 at the end.
  ///
  /// A cancellation point; then nothing has been read.
  ///
  /// - Throws: as `tryRead`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int

  /// Closes the stream.
  ///
  /// Pending reads throw `StreamClosedError`.
  ///
  /// Never blocks. Closing it again does nothing.
  func close()
}

extension ReadableStream {
  /// Waits until bytes are available, and reads them into `buffer`: returns their number, 0 at the end.
  ///
  /// A cancellation point; then nothing has been read.
  ///
  /// - Throws: as `tryRead`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try readOp(into: buffer).perform() }

  /// The operation that reads available bytes into `buffer`, which must stay valid while it is performed.
  ///
  /// Its value is the number of bytes, 0 at the end. An operation that is not chosen has read nothing.
  public func readOp(into buffer: UnsafeMutableRawBufferPointer) -> Op<Int> {
    whenReadableOp { try self.tryRead(into: buffer) }
  }

  /// Waits until bytes are available, and reads at most `count` bytes, and at most 1 MiB; empty at the end.
  ///
  /// Memory use follows the bytes that come, not `count`. A cancellation point; then nothing has been read.
  ///
  /// - Throws: as `tryRead`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func read(upTo count: Int) throws -> [UInt8] {
    try [UInt8](upTo: count) { try read(into: $0) }
  }

  /// The operation that reads at most `count` bytes, and at most 1 MiB; its value is empty at the end.
  ///
  /// An operation that is not chosen has read nothing.
  public func readOp(upTo count: Int) -> Op<[UInt8]> {
    whenReadableOp {
      var isReady = false
      let bytes = try [UInt8](upTo: count) {
        let found = try self.tryRead(into: $0)
        isReady = found != nil
        return found ?? 0
      }
      return isReady ? bytes : nil
    }
  }
}
