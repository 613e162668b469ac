import Nursery

/// `EchoServer PORT WORKERS`: sends back whatever comes, until it is ended by a signal.
@main
struct EchoServer {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    guard arguments.count == 2, let port = UInt16(exactly: arguments[0]) else {
      print("usage: EchoServer PORT WORKERS")
      return
    }
    try runFibers(Configuration(parallelism: arguments[1])) {
      // A connection that fails is no reason to end the others.
      try withNursery(onFailure: .supervise) { nursery in
        for connection in try TCPListener(port: port, backlog: 4096) {
          nursery.goAsync { try echo(connection) }
        }
      }
    }
  }

  static func echo(_ connection: TCPStream) throws {
    defer { connection.close() }
    try withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { buffer in
      while true {
        let count = try connection.read(into: buffer)
        if count == 0 { return }
        try connection.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
  }
}
