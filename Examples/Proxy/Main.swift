import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Passes TCP connections on to a server.
///
///     proxy 8080 127.0.0.1 80
@main
struct Main {
  static func main() {
    guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
      report(Arguments.usage)
      exit(2)
    }
    do {
      try runFibers(Configuration(onDeadlock: .wait)) {
        let listener = try TCPListener(
          arguments.host, port: arguments.port, limit: arguments.options.connectionLimit)
        print("proxy listens on \(listener.address), for \(arguments.target):\(arguments.targetPort)")
        fflush(nil)
        let proxy = Proxy(to: arguments.target, port: arguments.targetPort, arguments.options) {
          report("proxy: \($0)\n")
        }
        try proxy.serve(listener)
      }
    } catch {
      report("proxy: \(error)\n")
      exit(1)
    }
  }

  private static func report(_ text: String) { write(STDERR_FILENO, text, text.utf8.count) }
}
