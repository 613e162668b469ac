import Nursery
import Testing

@testable import HTTPServer

/// For any input: an answer or nothing, never a trap, and memory within the limits.
struct ConnectionFuzzTests {
  /// Requests to corrupt.
  static let seeds = [
    "GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n",
    "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
  ]
  private static let pieces = [
    "\r\n", "\n", "\r", " ", "\t", ":", ";", "0", "ffffffffffffffff", "-1", "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "\u{0}", "HTTP/1.1", "/../", "%00", "%", "\u{fffd}", ",", "Host: b\r\n", "Connection: close\r\n",
  ].map { Array($0.utf8) }

  private func spoil(_ bytes: inout [UInt8], _ random: inout Random) {
    for _ in 0...random.below(4) {
      let place = random.below(bytes.count + 1)
      switch random.below(5) {
      case 0 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 1 where place < bytes.count: bytes.remove(at: place)
      case 2: bytes.insert(contentsOf: Self.pieces[random.below(Self.pieces.count)], at: place)
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + random.below(20)))
      default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + random.below(40))], at: place)
      }
    }
  }

  @Test(arguments: 0..<20) func spoiltRequestsAreAnsweredOrNot(seed: Int) throws {
    var random = Random(seed: UInt64(seed))
    var limits = Limits()
    (limits.requestLine, limits.head, limits.fields, limits.body, limits.discarded) = (200, 400, 8, 1000, 100)
    let service = Service(limits: limits, report: { Issue.record($0) }) { request, response in
      if request.isFor("/echo") { return try response.send(from: request.body) }
      if request.method == .put { _ = try request.body.readAll() }
      try response.send(request.path)
    }
    for _ in 0..<(isSanitized ? 20 : 100) {
      var bytes = (0...random.below(3)).flatMap { _ in Array(Self.seeds[random.below(Self.seeds.count)].utf8) }
      spoil(&bytes, &random)
      // The sizes of the pieces make no difference.
      let whole = try exchange(bytes, service: service)
      let cut = try exchange(bytes, chunks: [1 + random.below(3), 1 + random.below(9)], service: service)
      #expect(unchunked(whole) == unchunked(cut), "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
      #expect(whole.isEmpty || whole.hasPrefix("HTTP/1.1 "))
      #expect(statuses(whole).allSatisfy { [100, 200, 400, 408, 413, 414, 417, 431, 501, 505].contains($0) })
    }
  }

  /// An echo's chunks depend on the pieces, so only the statuses are compared.
  private func unchunked(_ text: String) -> [Int] { statuses(text) }

  @Test(arguments: 0..<20) func garbageIsRefused(seed: Int) throws {
    var random = Random(seed: UInt64(seed) + 1000)
    for _ in 0..<20 {
      let bytes = (0..<random.below(2000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let text = try exchange(bytes, chunks: [1 + random.below(100)])
      #expect(text.isEmpty || [400, 414, 431].contains(statuses(text).first))
    }
  }

  @Test(arguments: [
    ("x", 414, 8 << 10), ("GET / HTTP/1.1\r\nX: ", 431, 32 << 10), ("GET / HTTP/1.1\r\nX: y\r\n", 431, 32 << 10),
    ("\r\n", 431, 32 << 10),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", 431, 8 << 10),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;", 400, 256),
  ])
  func anEndlessInputIsCutOffAtTheLimit(start: String, status: Int, limit: Int) throws {
    try runFibers(.virtual()) {
      let endless = EndlessReader(
        start, repeating: start == "GET / HTTP/1.1\r\nX: y\r\n" ? "X: y\r\n" : start == "\r\n" ? "\r\n" : "x")
      let output = MemoryWriter()
      var timeouts = Timeouts()
      timeouts.linger = .zero
      try Service(timeouts: timeouts, handler: mirror).serve(endless, output) {}
      expectEqual(statuses(output.text), [status])
      // The buffer has room for more than the limit, but not for much.
      expectEqual(endless.delivered.value <= 2 * (limit + 8192), true)
    }
  }
}

/// A client that never stops.
final class EndlessReader: ReadableStream {
  private let start: [UInt8]
  private let rest: [UInt8]
  let delivered = Counter()

  init(_ start: String, repeating rest: String) {
    (self.start, self.rest) = (Array(start.utf8), Array(rest.utf8))
  }

  func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    let offset = delivered.value
    for place in buffer.indices {
      let index = offset + place
      buffer[place] = index < start.count ? start[index] : rest[(index - start.count) % rest.count]
    }
    delivered.add(buffer.count)
    return buffer.count
  }

  func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    .guarded { .always(try attempt()!) }
  }

  func close() {}
}
