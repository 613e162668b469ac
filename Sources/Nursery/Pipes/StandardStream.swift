/// Standard input, output or error.
///
///     let line = try withTimeoutOrNil(.seconds(5)) { try StandardStream.input.read(upTo: 80) }
///
/// What is typed after a read has timed out is there for the next. The process shares these with those that have started it, so they are
/// never made not to block: each call asks first whether it would. If another process reads the same terminal at that moment, a
/// call may have to wait for the next line, and with it its worker. They stay open for as long as the process runs; `close()` is for this
/// object alone.
public final class StandardStream: ReadableStream, WritableStream, CustomStringConvertible, Sendable {
  /// What the process is given to read.
  public static let input = StandardStream(0, "standard input")
  /// Where the process's results go.
  public static let output = StandardStream(1, "standard output")
  /// Where the process's messages go.
  public static let error = StandardStream(2, "standard error")

  /// With a number of its own, so that waiting for it and closing it concern nobody else.
  private let descriptor: Descriptor?
  private let name: String

  /// What a pipe that is ready for writing takes without blocking.
  private static let safeWriteSize = 4096

  private init(_ number: Int32, _ name: String) {
    self.name = name
    let duplicate = System.duplicate(number)
    descriptor = duplicate < 0 ? nil : Descriptor(adopting: duplicate, isForAll: true)
    System.ignoreBrokenPipes()
  }

  /// Reads what there is into `buffer`: the number of bytes, 0 at the end, nil if there is nothing yet.
  ///
  /// Never blocks, but see the type's description.
  ///
  /// - Throws: `SystemError`; `StreamClosedError` if it was closed here, or the process was started without it.
  public func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    if buffer.isEmpty { return 0 }
    return try attempt(.readable, "read from") { System.read($0, buffer) }
  }

  /// The operation that commits when `attempt`, which tries to read, returns a value; see `ReadableStream`.
  public func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    op(.readable, attempt)
  }

  /// Writes what there is room for: the number of bytes, nil if there is no room yet.
  ///
  /// Never blocks, but see the type's description.
  ///
  /// - Throws: `SystemError` if nobody can read it any more; `StreamClosedError` if it was closed here, or the process was started without it.
  public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    if bytes.isEmpty { return 0 }
    let piece = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.safeWriteSize))
    return try attempt(.writable, "write to") { System.write($0, piece) }
  }

  /// The operation that commits when `attempt`, which tries to write, returns a value; see `WritableStream`.
  public func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    op(.writable, attempt)
  }

  /// Lets nobody read or write through this object any more; who waits gets `StreamClosedError`.
  ///
  /// Never blocks. Closing it again does nothing.
  public func close() { descriptor?.close() }

  /// Whether it has been closed here, or the process was started without it.
  public var isClosed: Bool { descriptor?.isClosed ?? true }

  /// The number of this object's own descriptor, for what only the system can do, and the object's to close; -1 if there is none.
  public var fileDescriptor: Int32 { descriptor?.number ?? -1 }

  /// "standard input".
  public var description: String { name }

  private func op<Value>(_ interest: Interest, _ attempt: @escaping () throws -> Value?) -> Op<Value> {
    descriptor?.op(interest, keeping: self, attempt) ?? .failing(StreamClosedError(stream: name))
  }

  private func attempt(_ interest: Interest, _ verb: String, _ call: (Int32) -> Int) throws -> Int? {
    let result = descriptor?.attempt(interest) { number in
      let ready = System.pollNow(number, interest)
      return ready > 0 ? call(number) : ready == 0 ? -Int(System.wouldBlock) : Int(ready)
    }
    return try (result ?? .closed).value(verb, self)
  }
}
