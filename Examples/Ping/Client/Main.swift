import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Measures how many pings a server answers in a second.
///
///     ping-client [HOST] [PORT] [CONNECTIONS] [REQUESTS]
///
/// The defaults are 127.0.0.1, 11211, 50 connections, and 1000 requests on each.
@main
struct Main {
  static func main() {
    var arguments = CommandLine.arguments.dropFirst()
    let host = arguments.popFirst() ?? "127.0.0.1"
    guard let port = UInt16(arguments.popFirst() ?? "11211"), let connections = Int(arguments.popFirst() ?? "50"),
      let requests = Int(arguments.popFirst() ?? "1000"), arguments.isEmpty, connections > 0, requests >= 0
    else {
      report("usage: ping-client [HOST] [PORT] [CONNECTIONS] [REQUESTS]\n")
      exit(2)
    }
    do {
      let start = ContinuousClock.now
      try sendPings(to: host, port: port, connections: connections, requests: requests)
      let duration = ContinuousClock.now - start
      let count = connections * requests
      print(
        "\(count) requests over \(connections) connections in \(duration):",
        "\(Int(Double(count) / (duration / .seconds(1)))) requests per second")
    } catch {
      report("ping-client: \(error)\n")
      exit(1)
    }
  }

  private static func report(_ text: String) { write(STDERR_FILENO, text, text.utf8.count) }
}
