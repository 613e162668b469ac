import Nursery

/// `EchoServer PORT WORKERS`: sends back all bytes, until a signal ends it.
@main
struct EchoServer {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    guard arguments.count == 2, let port = UInt16(exactly: arguments[0]) else {
      print("usage: EchoServer PORT WORKERS")
      return
    }
    try runFibers(Configuration(parallelism: arguments[1])) {
      let listener = try TCPListener(port: port, backlog: 4096)
      // A connection that fails does not end the others.
      try listener.serve(onError: { _, _ in }) { connection in try echo(connection) }
    }
  }

  static func echo(_ connection: TCPStream) throws {
    try withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { buffer in
      while true {
        let count = try connection.read(into: buffer)
        if count == 0 { return }
        try connection.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
  }
}
