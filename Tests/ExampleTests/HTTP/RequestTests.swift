import Nursery
import Testing

@testable import HTTPServer

/// The answers of a connection, for pieces of any size.
struct RequestTests {
  private let cuts = [[], [1], [2, 3], [7], [50]]

  private func expectResponses(
    _ text: String, _ expected: String, service: Service = Service(handler: mirror),
    location: SourceLocation = #_sourceLocation
  ) throws {
    for chunks in cuts {
      #expect(try exchange(text, chunks: chunks, service: service) == expected, sourceLocation: location)
    }
  }

  // MARK: Connections

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    let requests = (0..<20).map { number in
      number % 3 == 0
        ? "POST /\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
        : "GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n"
    }
    let responses = (0..<20).map { response($0 % 3 == 0 ? "POST /\($0) [body]" : "GET /\($0) []") }
    try expectResponses(requests.joined(), responses.joined())
  }

  @Test func responsesToPipelinedRequestsAreSentTogether() throws {
    try runFibers(.virtual()) {
      let writes = CountingWriter()
      let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      let bytes = Array(String(repeating: request, count: 16).utf8)
      try Service(handler: mirror).serve(MemoryReader(bytes), writes) {}
      expectEqual(writes.calls.value, 1)
    }
  }

  @Test func aConnectionIsClosedWhenTheClientSaysSo() throws {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    try expectResponses(request + request, response("GET / []", fields: "Connection: close\r\n"))
  }

  @Test func theOldVersionKeepsTheConnectionOnlyIfAsked() throws {
    try expectResponses(
      "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", response("GET / []", fields: "Connection: close\r\n"))
    try expectResponses(
      "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
      response("GET /a []", fields: "Connection: keep-alive\r\n")
        + response("GET /b []", fields: "Connection: close\r\n"))
  }

  @Test func anEndInTheMiddleOfAHeadIsNoRequest() throws {
    for text in ["", "G", "GET / HTTP/1.1\r\nHost: a\r\n", "\r\n"] { try expectResponses(text, "") }
  }

  @Test func behindAMalformedRequestNothingIsRead() throws {
    let text = try exchange("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(
      text
        == response(
          "there must be one host\n", "400 Bad Request",
          fields: "Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"))
  }

  // MARK: Bodies

  @Test func aChunkedBodyIsPutTogether() throws {
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    try expectResponses(
      "\(chunked)5;x=y\r\nhello\r\n1\r\n \r\nC\r\nlarge worlds\r\n0\r\nTrailer: x\r\n\r\n\(next)",
      response("POST / [hello large worlds]") + response("GET /next []"))
    try expectResponses("\(chunked)0\r\n\r\n\(next)", response("POST / []") + response("GET /next []"))
  }

  @Test func aBodyThatIsNotReadIsSkipped() throws {
    let service = Service { request, response in try response.send(request.target) }
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    try expectResponses(
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nGET / HTTP/\(next)", response("/a") + response("/next"),
      service: service)
    try expectResponses(
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n\(next)",
      response("/a") + response("/next"), service: service)
  }

  @Test func aLongBodyThatIsNotReadEndsTheConnection() throws {
    var limits = Limits()
    limits.discarded = 10
    let service = Service(limits: limits) { request, response in try response.send(request.target) }
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    try expectResponses(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world\(next)",
      response("/", fields: "Connection: close\r\n"), service: service)
    try expectResponses(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n\(next)",
      response("/"),
      service: service)
  }

  @Test func aBodyOverTheLimitIsRefused() throws {
    var limits = Limits()
    limits.body = 10
    let service = Service(limits: limits, handler: mirror)
    for framing in [
      "Content-Length: 11\r\n\r\nhello world", "Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
    ] {
      for chunks in cuts {
        let text = try exchange("POST / HTTP/1.1\r\nHost: a\r\n\(framing)", chunks: chunks, service: service)
        #expect(text.hasPrefix("HTTP/1.1 413 "))
        #expect(text.contains("Connection: close\r\n"))
      }
    }
    try expectResponses(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", response("POST / [0123456789]"),
      service: service)
  }

  @Test func aMalformedOrTruncatedBodyIsRefused() throws {
    for framing in [
      "Transfer-Encoding: chunked\r\n\r\n1\r\nab", "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
      "Content-Length: 5\r\n\r\nab",
    ] {
      for chunks in cuts {
        #expect(statuses(try exchange("POST / HTTP/1.1\r\nHost: a\r\n\(framing)", chunks: chunks)) == [400])
      }
    }
  }

  @Test func aRequestThatIsKeptIsNotOverwritten() throws {
    let kept = Log<Box<Request>>()
    let service = Service { request, response in
      kept.append(Box(request))
      try response.send("")
    }
    _ = try exchange(
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\naGET /b HTTP/1.1\r\nHost: a\r\n\r\n", service: service)
    #expect(kept.entries.map(\.value.target) == ["/a", "/b"])
    expectThrows(HTTPError.self) { try kept.entries[0].value.body.readAll() }
  }

  // MARK: The request of a handler

  @Test func aRequestTellsWhatItIs() throws {
    let service = Service { request, response in
      let parts = [
        request.path, request.query ?? "-", request["x-One"] ?? "-", request["absent"] ?? "-",
        "\(request.isFor("/a/b"))",
        request.version, "\(request.headers.count)", "\(request.body.length ?? -1)",
      ]
      try response.send(parts.joined(separator: " "))
    }
    try expectResponses(
      "GET /a/b?c?d HTTP/1.1\r\nHost: a\r\nX-ONE: 1\r\nx-one: 2\r\n\r\n", response("/a/b c?d 1 - true HTTP/1.1 3 0"),
      service: service)
    try expectResponses(
      "GET http://x/a/b HTTP/1.1\r\nHost: a\r\n\r\n", response("/a/b - - - true HTTP/1.1 1 0"), service: service)
    try expectResponses(
      "GET http://x?y HTTP/1.1\r\nHost: a\r\n\r\n", response(" y - - false HTTP/1.1 1 0"), service: service)
  }
}

/// Counts how often it is written to.
final class CountingWriter: WritableStream {
  let calls = Counter()

  func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    calls.add()
    return bytes.count
  }

  func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    .guarded { .always(try attempt()!) }
  }

  func close() {}
}
