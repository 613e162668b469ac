import Nursery

/// The server's limits.
package struct ChatOptions: Sendable {
  /// How many clients there may be at once; further ones are refused with a text.
  package var clientLimit = 1000
  /// How many bytes a line may have; longer ones are skipped, and their client is told.
  package var lineLimit = 1000
  /// How many lines the server keeps for a client that reads slowly; a client that is further behind is dropped.
  package var backlog = 256
  /// How long a client may accept no bytes.
  package var patience = Duration.seconds(30)

  package init() {}
}

/// The arguments of the command line.
struct Arguments {
  private(set) var port: UInt16
  private(set) var host = IPAddress.loopback
  private(set) var options = ChatOptions()

  static let usage = """
    usage: chat-server [-l ADDRESS] [-c CLIENTS] [-b BYTES] [-k LINES] [-s SECONDS] PORT

    Passes each line that a client sends to PORT (0 for a free one) on to all clients.

      -l ADDRESS  listen on that numeric address only (default: 127.0.0.1; 0.0.0.0 for all)
      -c CLIENTS  serve that many clients at once; others are refused (default: 1000)
      -b BYTES    refuse lines that are longer (default: 1000)
      -k LINES    drop a client that is further behind than that (default: 256)
      -s SECONDS  drop a client that accepts nothing for that long (default: 30)

    """

  /// Nil if they are wrong.
  init?(_ arguments: ArraySlice<String>) {
    var rest = arguments
    while let option = rest.first, option.hasPrefix("-") {
      guard let value = rest.dropFirst().first else { return nil }
      rest = rest.dropFirst(2)
      switch (option, Int(value), IPAddress(value)) {
      case ("-l", _, let address?): host = address
      case ("-c", let count?, _) where count > 0: options.clientLimit = count
      case ("-b", let count?, _) where count > 0: options.lineLimit = count
      case ("-k", let count?, _) where count > 0: options.backlog = count
      case ("-s", let seconds?, _) where seconds > 0: options.patience = .seconds(seconds)
      default: return nil
      }
    }
    guard rest.count == 1, let port = rest.first.flatMap({ UInt16($0) }) else { return nil }
    self.port = port
  }
}
