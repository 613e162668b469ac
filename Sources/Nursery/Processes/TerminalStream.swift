/// Our side of a child's pseudo terminal: what is written here the child reads as if it were typed, what it shows can
/// be read here.
///
/// Both directions are a terminal's: the child's lines end with "\r\n", and what is typed is shown unless the child
/// turns that off.
public final class TerminalStream: ReadableStream, WritableStream {
  private let stream: PipeStream

  init(_ descriptor: Int32) throws { stream = try PipeStream(adopting: descriptor, name: "a terminal") }

  /// Tells the child, by SIGWINCH, that the terminal has another size.
  ///
  /// Never blocks.
  ///
  /// - Throws: `StreamClosedError` if it has been closed here.
  public func resize(_ size: TerminalSize) throws {
    let result = stream.descriptor.attempt(.none) { System.resizeTerminal($0, rows: size.rows, columns: size.columns) }
    _ = try result.value("resize", stream)
  }

  /// Reads what can be had without waiting; 0 bytes when nobody has the terminal open any more.
  public func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    do {
      return try stream.tryRead(into: buffer)
    } catch let error as SystemError where error.code == System.inputOutputError {
      return 0
    }
  }

  /// Types what can be typed without waiting.
  public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? { try stream.tryWrite(bytes) }

  /// The operation that commits when `attempt` returns a value; tried when there may be more to read.
  public func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    stream.whenReadableOp(attempt)
  }

  /// The operation that commits when `attempt` returns a value; tried when there may be room.
  public func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    stream.whenWritableOp(attempt)
  }

  /// Hangs up: the child's session is sent SIGHUP.
  ///
  /// Never blocks.
  public func close() { stream.close() }
}
