import Nursery

/// The proxy's limits.
package struct ProxyOptions: Sendable {
  /// How many connections there may be at once; others wait.
  package var connectionLimit = 1024
  /// How long a connection may be silent in both directions; nil for any time.
  package var idleTimeout: Duration?
  /// How long connecting to the server may take.
  package var connectTimeout = Duration.seconds(10)
  /// How long one direction may go on after the other one has broken.
  package var lastWords = Duration.seconds(1)

  package init() {}
}

/// The arguments of the command line.
struct Arguments {
  private(set) var port: UInt16
  private(set) var target: String
  private(set) var targetPort: UInt16
  private(set) var host = IPAddress.loopback
  private(set) var options = ProxyOptions()

  static let usage = """
    usage: proxy [-l ADDRESS] [-c CONNECTIONS] [-i SECONDS] LISTEN-PORT HOST PORT

    Passes connections to LISTEN-PORT (0 for a free one) on to PORT of HOST.

      -l ADDRESS      listen on that numeric address only (default: 127.0.0.1; 0.0.0.0 for all)
      -c CONNECTIONS  serve that many connections at once; others wait (default: 1024)
      -i SECONDS      close a connection that is silent for that long (default: never)

    """

  /// Nil if they are wrong.
  init?(_ arguments: ArraySlice<String>) {
    var rest = arguments
    while let option = rest.first, option.hasPrefix("-") {
      guard let value = rest.dropFirst().first else { return nil }
      rest = rest.dropFirst(2)
      switch (option, Int(value), IPAddress(value)) {
      case ("-l", _, let address?): host = address
      case ("-c", let count?, _) where count > 0: options.connectionLimit = count
      case ("-i", let seconds?, _) where seconds > 0: options.idleTimeout = .seconds(seconds)
      default: return nil
      }
    }
    let words = Array(rest)
    guard words.count == 3, let port = UInt16(words[0]), let targetPort = UInt16(words[2])
    else { return nil }
    self.port = port
    self.target = words[1]
    self.targetPort = targetPort
  }
}
