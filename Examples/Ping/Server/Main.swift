import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Answers pings on a port of this machine.
///
///     ping-server [PORT] [LIMIT]
///
/// The default port is 11211; 0 means any free port. At most LIMIT clients are served at once; the others wait. SIGINT
/// or SIGTERM ends the server when the current pings have been answered.
@main
struct Main {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count <= 2, let port = UInt16(arguments.first ?? "11211"),
      let limit = Int(arguments.dropFirst().first ?? "1000000"), limit > 0
    else {
      let usage = "usage: ping-server [PORT] [LIMIT]\n"
      write(STDERR_FILENO, usage, usage.utf8.count)
      exit(2)
    }
    try runFibers(Configuration(onDeadlock: .wait)) {
      try withGracefulShutdown("server", grace: .seconds(10)) { _ in
        let listener = try TCPListener(port: port, limit: limit)
        print("ping-server listens on \(listener.address)")
        fflush(nil)
        try servePings(listener)
      }
    }
  }
}
