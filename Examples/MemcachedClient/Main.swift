import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Sends a command to a memcached server, from the command line.
///
///     memcached-client -p 11211 set greeting hello
///     memcached-client -p 11211 get greeting
///
/// The exit status is 0 if the answer was positive, 1 if it was negative, 2 if the command line is wrong, 3 if the
/// server cannot be reached.
@main
struct Main {
  static func main() {
    do {
      let command = try CommandLineArguments(CommandLine.arguments.dropFirst())
      let isYes = try withNursery { nursery in
        try withTimeout(.seconds(10)) {
          let stream = try TCPStream.connect(host: command.host, port: command.port)
          return try command.run(MemcachedClient(stream, in: nursery))
        }
      }
      exit(isYes ? 0 : 1)
    } catch let error as UsageError {
      report("memcached-client: \(error)\n\(UsageError.usage)")
      exit(2)
    } catch {
      report("memcached-client: \(error)\n")
      exit(3)
    }
  }

  private static func report(_ text: String) { write(STDERR_FILENO, text, text.utf8.count) }
}
