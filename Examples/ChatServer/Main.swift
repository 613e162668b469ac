import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A room in which everyone hears everyone, for clients such as `nc`.
///
///     chat-server 7000
///
/// SIGINT or SIGTERM ends it: all clients are told, and have five seconds to read what has been said.
@main
struct Main {
  static func main() {
    guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
      report(Arguments.usage)
      exit(2)
    }
    do {
      try runFibers(Configuration(onDeadlock: .wait)) {
        try withGracefulShutdown("chat", grace: .seconds(5)) { _ in
          let listener = try TCPListener(arguments.host, port: arguments.port)
          print("chat-server listens on \(listener.address)")
          fflush(nil)
          try ChatServer(arguments.options) { report("chat-server: \($0)\n") }.serve(listener)
        }
      }
    } catch let error as SystemError where error.code == EADDRINUSE {
      report("chat-server: \(error); end the program that listens there, or choose another port (0 for a free one)\n")
      exit(1)
    } catch {
      report("chat-server: \(error)\n")
      exit(1)
    }
  }

  private static func report(_ text: String) { write(STDERR_FILENO, text, text.utf8.count) }
}
