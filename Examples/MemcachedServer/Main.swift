import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A memcached in a few hundred lines: the text protocol, over TCP.
///
///     memcached-server -p 11211 -m 64
///
/// One fiber for each client reads, looks up and writes. SIGINT or SIGTERM ends the server when the current commands
/// have been answered. The protocol is that of https://github.com/memcached/memcached/blob/master/doc/protocol.txt,
/// without the binary and meta commands.
@main
struct Main {
  static func main() {
    do {
      let options = try Options(CommandLine.arguments.dropFirst())
      try runFibers(Configuration(parallelism: options.workers, onDeadlock: .wait)) {
        try withGracefulShutdown("server", grace: .seconds(10)) { _ in
          let listener = try TCPListener(options.host, port: options.port, limit: options.connectionLimit)
          print("memcached-server listens on \(listener.address)")
          fflush(nil)
          try Server(options).serve(listener)
        }
      }
    } catch let error as UsageError {
      report("memcached-server: \(error)\n\(Options.usage)")
      exit(2)
    } catch {
      report("memcached-server: \(error)\n")
      exit(1)
    }
  }

  private static func report(_ text: String) { write(STDERR_FILENO, text, text.utf8.count) }
}
