import ChatServer
import Nursery

/// A client of a chat server, as a test drives it; one fiber at a time uses its reader.
struct Visitor: @unchecked Sendable {
  let reader: BufferedReader
  let output: any WritableStream
  /// The name that the server has given.
  let name: String

  /// Reads the welcome.
  init(_ input: any ReadableStream, _ output: any WritableStream) throws {
    reader = BufferedReader(input)
    self.output = output
    let welcome = try reader.readLine() ?? ""
    name = String(welcome.drop { $0 != "," }.dropFirst(2).prefix { $0 != ";" })
  }

  /// Connects over TCP.
  init(to address: SocketAddress) throws {
    let stream = try TCPStream.connect(to: address)
    try self.init(stream, stream)
  }

  /// Connects in memory; `room` is how many bytes the server can write before the client reads.
  init(to server: ChatServer, in nursery: Nursery, room: Int = 65_536, onError: @escaping @Sendable (any Error) -> Void)
    throws
  {
    let (input, output) = (MemoryPipe(), MemoryPipe(capacity: room))
    nursery.goAsync {
      defer { output.writer.close() }
      do { try server.serve(input.reader, output.writer) } catch { onError(error) }
    }
    try self.init(output.reader, input.writer)
  }

  func say(_ line: String) throws { try output.writeAll("\(line)\n") }

  /// Says it, and reads the answer.
  func ask(_ line: String) throws -> String? {
    try say(line)
    return try hear()
  }

  func hear() throws -> String? { try reader.readLine() }

  func hear(_ count: Int) throws -> [String] { try (0..<count).map { _ in try hear() ?? "the end" } }

  /// All lines to the end.
  func hearAll() throws -> [String] {
    var lines: [String] = []
    while let line = try hear() { lines.append(line) }
    return lines
  }

  /// Chooses a name, and reads the announcement.
  func choose(_ name: String) throws { _ = try ask("/nick \(name)") }

  func leave() { output.close() }
}
