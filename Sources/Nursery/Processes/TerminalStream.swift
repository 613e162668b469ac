/// This process's side of a child's pseudo terminal.
///
/// The child reads bytes written here as if they were typed; its output is read here.
///
/// As on any terminal, the child's lines end with "\r\n", and typed bytes are echoed unless the child turns that off.
public final class TerminalStream: ReadableStream, WritableStream {
  private let stream: PipeStream

  init(_ descriptor: Int32) throws { stream = try PipeStream(adopting: descriptor, name: "a terminal") }

  /// Changes the terminal's size and sends the child SIGWINCH.
  ///
  /// Never blocks.
  ///
  /// - Throws: `StreamClosedError` if it has been closed here.
  public func resize(_ size: TerminalSize) throws {
    let result = stream.descriptor.attempt(.none) { System.resizeTerminal($0, rows: size.rows, columns: size.columns) }
    _ = try result.value("resize", stream)
  }

  /// Reads the available bytes; returns 0 when no process has the terminal open.
  public func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    do {
      return try stream.tryRead(into: buffer)
    } catch let error as SystemError where error.code == System.inputOutputError {
      return 0
    }
  }

  /// Writes as many bytes as fit without waiting.
  public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? { try stream.tryWrite(bytes) }

  /// The operation that commits when `attempt` returns a value; retried when there may be more to read.
  public func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    stream.whenReadableOp(attempt)
  }

  /// The operation that commits when `attempt` returns a value; retried when there may be room.
  public func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    stream.whenWritableOp(attempt)
  }

  /// Closes the terminal: the child's session gets SIGHUP.
  ///
  /// Never blocks.
  public func close() { stream.close() }
}
