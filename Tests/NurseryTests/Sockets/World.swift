import Nursery
import Testing

/// The schedulers for the tests of sockets: each backend of the reactor, with one worker and with two.
struct World: Sendable, CustomTestStringConvertible {
  let workers: Int
  let readiness: Configuration.Readiness

  static let all = [1, 2].flatMap { workers in
    [Configuration.Readiness.automatic, .poll].map { World(workers: workers, readiness: $0) }
  }

  var testDescription: String { "\(workers) workers, \(readiness)" }

  func run<Result>(_ body: (Nursery) throws -> Result) throws -> Result {
    try runFibers(Configuration(parallelism: workers, readiness: readiness)) { try withNursery { try body($0) } }
  }
}

/// Bytes without repetition, so that a wrong offset shows.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state >> 24)
  }
}

extension ReadableStream {
  /// Everything up to the end.
  func readToEnd() throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let piece = try read(upTo: 4096)
      if piece.isEmpty { return all }
      all += piece
    }
  }
}

/// Two TCP streams that are connected to each other.
func connectedStreams(_ options: SocketOptions = SocketOptions()) throws -> (TCPStream, TCPStream) {
  let listener = try TCPListener(port: 0, options: options)
  defer { listener.close() }
  let client = try TCPStream.connect(to: listener.address, options: options)
  return (client, try listener.accept())
}
