import Nursery

/// The options of the command line, with memcached's letters.
package struct Options: Sendable {
  package var port: UInt16 = 11211
  package var host = IPAddress.loopback
  package var memoryLimit = 64 << 20
  package var valueLimit = 1 << 20
  package var connectionLimit = 1024
  package var idleTimeout: Duration?
  package var workers: Int?

  static let usage = """
    usage: memcached-server [-p PORT] [-l ADDRESS] [-m MEGABYTES] [-I BYTES] [-c CONNECTIONS] [-i SECONDS] [-t WORKERS]

      -p PORT         listen on that port; 0 for a free one (default: 11211)
      -l ADDRESS      listen on that numeric address only (default: 127.0.0.1; 0.0.0.0 for all)
      -m MEGABYTES    keep that much; the least recently used items are removed (default: 64)
      -I BYTES        refuse values that are longer, or do not fit into memory (default: 1048576)
      -c CONNECTIONS  serve that many clients at once; others wait (default: 1024)
      -i SECONDS      close a connection that is silent for that long (default: never)
      -t WORKERS      use that many threads (default: one per processor)

    """

  package init() {}

  /// - Throws: `UsageError`.
  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    while let letter = rest.popFirst() {
      guard let text = rest.popFirst() else { throw UsageError(description: "'\(letter)' wants a value") }
      func number(_ range: ClosedRange<Int>) throws -> Int {
        guard let number = Int(text), range.contains(number) else {
          throw UsageError(
            description: "\(letter) wants a number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
        }
        return number
      }
      switch letter {
      case "-p": port = UInt16(try number(0...65_535))
      case "-l":
        guard let address = IPAddress(text == "localhost" ? "127.0.0.1" : text) else {
          throw UsageError(description: "-l wants a numeric address, not '\(text)'")
        }
        host = address
      case "-m": memoryLimit = try number(1...1 << 20) << 20
      case "-I": valueLimit = try number(1024...1 << 30)
      case "-c": connectionLimit = try number(1...1_000_000)
      case "-i": idleTimeout = .seconds(try number(1...1_000_000))
      case "-t": workers = try number(1...1024)
      default: throw UsageError(description: "there is no option '\(letter)'")
      }
    }
  }
}

/// The command line is wrong.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}
