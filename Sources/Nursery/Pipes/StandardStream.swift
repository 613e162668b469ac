/// Standard input, output or error.
///
///     let line = try withTimeoutOrNil(.seconds(5)) { try StandardStream.input.read(upTo: 80) }
///
/// Input that is typed after a read has timed out goes to the next read.
///
/// The process shares these descriptors with the process that started it, so they are never made non-blocking. Instead
/// a pipe or a terminal is opened again, and each call on a socket is told not to wait. So no call blocks a worker.
/// This process may not open a pipe or a terminal of another user. Threads of the blocking pool read and write these,
/// as for a `FileStream`. A regular file is read and written directly, so a slow disk delays the worker.
///
/// The descriptors stay open as long as the process runs; `close()` closes this object only. If the process was started
/// without one of them, its calls throw `StreamClosedError`, and no other file gets its number.
public final class StandardStream: ReadableStream, WritableStream, CustomStringConvertible, Sendable {
  static let names = ["standard input", "standard output", "standard error"]

  /// Standard input.
  public static let input = StandardStream(0)
  /// Standard output, for results.
  public static let output = StandardStream(1)
  /// Standard error, for messages.
  public static let error = StandardStream(2)

  /// How a call avoids blocking a worker.
  private enum Way {
    /// The description is this object's own, and does not block.
    case own(Descriptor)
    /// A socket: each call passes MSG_DONTWAIT.
    case socket(Descriptor)
    /// Neither a pipe nor a terminal, or already non-blocking: each call polls first.
    case asking(Descriptor)
    /// The blocking pool makes the calls.
    case pool(FileStream)
    /// There is no such stream.
    case missing
  }

  private let way: Way
  private let name: String

  /// The size that a pipe accepts without blocking once it is ready for writing.
  private static let safeWriteSize = 4096

  /// Uses a duplicate of the descriptor, so that waiting for it and closing it affect no other user of the number.
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

  /// Reads the available bytes into `buffer`: returns their number, 0 at the end, nil if none are available yet.
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

  /// Writes as many bytes as fit: returns their number, nil if there is no room yet.
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

  /// Whether `tryWrite` only accepts bytes, which the blocking pool then writes.
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

  /// The number of this object's own descriptor, for system calls; -1 if there is none.
  ///
  /// The object closes it.
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

  private func ask(_ descriptor: Descriptor, _ interest: Interest, _ call: (Int32) -> Int) -> IOResult {
    descriptor.attempt(interest) { number in
      let ready = System.pollNow(number, interest)
      return ready > 0 ? call(number) : ready == 0 ? -Int(System.wouldBlock) : Int(ready)
    }
  }
}
