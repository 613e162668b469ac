/// Standard input, output or error.
///
///     let line = try withTimeoutOrNil(.seconds(5)) { try StandardStream.input.read(upTo: 80) }
///
/// What is typed after a read has timed out is there for the next.
///
/// The process shares these with the processes that have started it, so it never makes them non-blocking. Instead it
/// opens a pipe or a terminal once more, and asks a socket for each call not to wait, so no call holds up a worker. A
/// pipe or a terminal that this process may not open, as it is another user's, is read and written by threads of the
/// blocking pool, as a `FileStream` is. What remains is a regular file: it is read and written as by any program, and a
/// slow disk is waited for.
///
/// The streams stay open for as long as the process runs; `close()` is for this object alone. If the process was
/// started without one of them, its calls throw `StreamClosedError`, and nothing else is given its number.
public final class StandardStream: ReadableStream, WritableStream, CustomStringConvertible, Sendable {
  static let names = ["standard input", "standard output", "standard error"]

  /// What the process is given to read.
  public static let input = StandardStream(0)
  /// Where the process's results go.
  public static let output = StandardStream(1)
  /// Where the process's messages go.
  public static let error = StandardStream(2)

  /// How a call is kept from blocking a worker.
  private enum Way {
    /// The description is this object's own, and does not block.
    case own(Descriptor)
    /// A socket: each call says so.
    case socket(Descriptor)
    /// Neither a pipe nor a terminal, or non-blocking already: each call asks first.
    case asking(Descriptor)
    /// The blocking pool makes the calls.
    case pool(FileStream)
    /// There is no such stream.
    case missing
  }

  private let way: Way
  private let name: String

  /// What a pipe that is ready for writing takes without blocking.
  private static let safeWriteSize = 4096

  /// With a number of its own, so that waiting for it and closing it concern nobody else.
  private init(_ number: Int32) {
    let name = Self.names[Int(number)]
    way = System.isMissing(number) ? .missing : Self.way(to: number, name)
    if case .missing = way {
      self.name = "\(name), without which this process was started,"
    } else {
      self.name = name
    }
    System.ignoreWriteSignals()
  }

  private static func way(to number: Int32, _ name: String) -> Way {
    let own = System.reopenNonblocking(number)
    if own >= 0 { return .own(Descriptor(adopting: own, isForAll: true)) }
    let copy = System.duplicate(number)
    if copy < 0 { return .missing }
    if System.isSocket(number) { return .socket(Descriptor(adopting: copy, isForAll: true)) }
    var status: System.FileStatus?
    if System.isPipeOrTerminal(number), !System.isNonblocking(number), System.status(number, &status) == 0 {
      return .pool(FileStream(OpenedFile(adopting: copy, name: name, status: status!), isForAll: true))
    }
    return .asking(Descriptor(adopting: copy, isForAll: true))
  }

  /// Reads what there is into `buffer`: the number of bytes, 0 at the end, nil if there is nothing yet.
  ///
  /// Never blocks a worker, but see the type's description.
  ///
  /// - Throws: `SystemError`; `StreamClosedError` if it was closed here, or the process was started without it.
  public func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    if buffer.isEmpty { return 0 }
    switch way {
    case .own(let descriptor):
      return try descriptor.attempt(.readable) { System.read($0, buffer) }.value("read from", self)
    case .socket(let descriptor):
      return try descriptor.attempt(.readable) { System.receive($0, buffer) }.value("read from", self)
    case .asking(let descriptor):
      return try ask(descriptor, .readable) { System.read($0, buffer) }.value("read from", self)
    case .pool(let file): return try file.tryRead(into: buffer)
    case .missing: throw StreamClosedError(stream: name)
    }
  }

  /// The operation that commits when `attempt`, which tries to read, returns a value; see `ReadableStream`.
  public func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    if case .pool(let file) = way { return file.whenReadableOp(attempt) }
    return descriptor?.op(.readable, keeping: self, attempt) ?? .failing(StreamClosedError(stream: name))
  }

  /// Writes what there is room for: the number of bytes, nil if there is no room yet.
  ///
  /// Never blocks a worker, but see the type's description.
  ///
  /// - Throws: `SystemError` if the reading end is closed; `StreamClosedError` if it was closed here, or the process
  ///   was started without it.
  public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    if bytes.isEmpty { return 0 }
    switch way {
    case .own(let descriptor):
      return try descriptor.attempt(.writable) { System.write($0, bytes) }.value("write to", self)
    case .socket(let descriptor):
      return try descriptor.attempt(.writable) { System.send($0, bytes) }.value("write to", self)
    case .asking(let descriptor):
      let piece = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.safeWriteSize))
      return try ask(descriptor, .writable) { System.write($0, piece) }.value("write to", self)
    case .pool(let file): return try file.tryWrite(bytes)
    case .missing: throw StreamClosedError(stream: name)
    }
  }

  /// Whether `tryWrite` only accepts bytes: if the blocking pool writes them.
  public var writesLater: Bool {
    if case .pool(let file) = way { return file.writesLater }
    return false
  }

  /// The operation that commits when `attempt`, which tries to write, returns a value; see `WritableStream`.
  public func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    if case .pool(let file) = way { return file.whenWritableOp(attempt) }
    return descriptor?.op(.writable, keeping: self, attempt) ?? .failing(StreamClosedError(stream: name))
  }

  /// Ends reads and writes through this object.
  ///
  /// Pending calls throw `StreamClosedError`.
  ///
  /// Never blocks. Closing it again does nothing.
  public func close() { descriptor?.close() }

  /// Whether it has been closed here, or the process was started without it.
  public var isClosed: Bool { descriptor?.isClosed ?? true }

  /// The number of this object's own descriptor, for what only the system can do, and the object's to close; -1 if
  /// there is none.
  public var fileDescriptor: Int32 { descriptor?.openNumber ?? -1 }

  /// "standard input".
  public var description: String { name }

  private var descriptor: Descriptor? {
    switch way {
    case .own(let descriptor), .socket(let descriptor), .asking(let descriptor): descriptor
    case .pool(let file): file.descriptor
    case .missing: nil
    }
  }

  private func ask(_ descriptor: Descriptor, _ interest: Interest, _ call: (Int32) -> Int) -> Descriptor.Attempt {
    descriptor.attempt(interest) { number in
      let ready = System.pollNow(number, interest)
      return ready > 0 ? call(number) : ready == 0 ? -Int(System.wouldBlock) : Int(ready)
    }
  }
}
