import Nursery
import Testing

@testable import HTTPServer

/// Responses that handlers send.
struct ResponseTests {
  private func answer(
    _ request: String = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", report: Log<String> = Log(),
    _ handler: @escaping Service.Handler
  ) throws -> String {
    try exchange(request, service: Service(report: { report.append("\($0)") }, handler: handler))
  }

  private let head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
  private let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test func aHeadRequestIsAnsweredLikeGetButForTheBody() throws {
    #expect(
      try answer(head + head) { _, response in try response.send("hello") }
        == String(repeating: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", count: 2))
    #expect(
      try answer(head + head) { _, response in
        try response.write("hello")
        try response.write("hello")
      } == String(repeating: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", count: 2))
  }

  @Test func aBodyOfUnknownLengthIsSentInChunks() throws {
    let text = try answer { _, response in
      try response.add("X", "y")
      try response.write("hello")
      try response.write("")
      try response.write("0123456789abcdef")
    }
    #expect(
      text
        == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
    )
  }

  @Test func forTheOldVersionItEndsWithTheConnection() throws {
    let text = try answer("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\(next)") { _, response in
      try response.write("hello")
      try response.write(" world")
    }
    #expect(text == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world")
  }

  @Test func aLargeBodyArrivesWhole() throws {
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
    let text = try exchange(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(bytes.count)\r\n\r\n".utf8 + bytes,
      service: Service { request, response in
        let body = try request.body.readAll()
        try response.send(body == bytes ? "same" : "different")
      })
    #expect(text == response("same"))
    let sent = try answer { _, response in
      try response.begin(length: 300_000)
      for _ in 0..<3 { try response.write([UInt8](repeating: 120, count: 100_000)) }
    }
    #expect(sent == response(String(repeating: "x", count: 300_000)))
  }

  @Test func aStreamIsPassedOn() throws {
    let text = try answer("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\(next)") { request, response in
      try response.send(from: request.body)
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(text == "\(chunked)5\r\nhello\r\n0\r\n\r\n\(response(""))")
  }

  @Test func someResponsesHaveNoBody() throws {
    for status in [Status.noContent, .notModified] {
      let text = try answer(next + next) { _, response in
        response.status = status
        try response.send("dropped")
      }
      #expect(text == String(repeating: "HTTP/1.1 \(status)\r\n\r\n", count: 2))
    }
  }

  @Test func aHandlerThatSendsNothingSendsAnEmptyBody() throws {
    #expect(try answer { _, response in response.status = .created } == response("", "201 Created"))
  }

  @Test func aMalformedBodyThatIsNotReadLeavesTheClientTimeToReadTheResponse() throws {
    try runFibers(.virtual()) {
      let output = MemoryWriter()
      let log = Log<String>()
      let service = Service { _, response in try response.send("hello") }
      let request = MemoryReader(Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n".utf8))
      try service.serve(request, output) { log.append("there is no more") }
      expectEqual(withoutDates(output.text), response("hello"))
      expectEqual(log.entries, ["there is no more"])
    }
  }

  // MARK: Mistakes

  @Test func aFailureBeforeTheResponseIsAnsweredAndReported() throws {
    let log = Log<String>()
    let text = try answer(next + next, report: log) { _, response in
      try response.add("X", "y")
      throw Oops(1)
    }
    #expect(
      text
        == String(
          repeating: response(
            "the server has failed to answer this\n", "500 Internal Server Error",
            fields: "Content-Type: text/plain; charset=utf-8\r\n"), count: 2))
    #expect(log.entries == ["Oops(number: 1)", "Oops(number: 1)"])
  }

  @Test func aFailureInTheMiddleOfTheResponseCutsTheConnection() throws {
    let log = Log<String>()
    let text = try answer(next + next, report: log) { _, response in
      try response.write("hello")
      try response.flush()
      throw Oops(1)
    }
    #expect(text == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    #expect(log.entries == ["Oops(number: 1)"])
  }

  @Test func aFailureInTheMiddleOfAResponseOfTheOldVersionIsNotItsEnd() throws {
    try runFibers(.virtual()) {
      for (error, count) in [(Oops(1) as any Error, 1), (HTTPError(.forbidden, "no"), 1), (nil, 0)]
        as [((any Error)?, Int)]
      {
        let output = MemoryWriter()
        let cuts = Counter()
        let service = Service { _, response in
          try response.write("hello")
          if let error { throw error }
        }
        let request = MemoryReader(Array("GET / HTTP/1.0\r\n\r\n".utf8))
        try service.serve(request, output, closeWriting: {}, cut: { cuts.add() })
        expectEqual(cuts.value, count)
      }
    }
  }

  @Test func anErrorWithAStatusIsAnsweredWithIt() throws {
    let text = try answer(next) { _, _ in throw HTTPError(.forbidden, "no") }
    #expect(
      text
        == response(
          "no\n", "403 Forbidden", fields: "Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"))
  }

  @Test func anErrorWithAStatusHasNothingOfTheResponseThatWasToBe() throws {
    let text = try answer(next) { _, response in
      try response.add("Content-Type", "text/csv")
      throw HTTPError(.forbidden, "no")
    }
    #expect(
      text
        == response(
          "no\n", "403 Forbidden", fields: "Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"))
  }

  @Test func aResponseIsAsLongAsItSays() throws {
    let log = Log<String>()
    #expect(
      try answer(next + next, report: log) { _, response in
        try response.begin(length: 10)
        try response.write("hello")
        try response.flush()
      } == "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    #expect(log.entries == ["\(ResponseError.tooShort(missing: 5))"])
    #expect(
      try answer { _, response in
        try response.begin(length: 3)
        expectThrows(ResponseError.tooLong(length: 3)) { try response.write("hello") }
        try response.write("yes")
      } == response("yes"))
  }

  @Test func headersCannotBeSmuggledIn() throws {
    let text = try answer { _, response in
      for (name, value) in [("X", "a\r\nY: b"), ("X", "a\n"), ("X", "\u{0}"), ("X:", "a"), ("", "a"), ("X Y", "a")] {
        expectThrows(ResponseError.badHeader(name: name)) { try response.add(name, value) }
      }
      for name in ["Content-Length", "TRANSFER-ENCODING", "connection", "date"] {
        expectThrows(ResponseError.reservedHeader(name: name)) { try response.add(name, "5") }
      }
      try response.send("ok")
      expectThrows(ResponseError.begun) { try response.send("again") }
      expectThrows(ResponseError.begun) { try response.add("X", "y") }
    }
    #expect(text == response("ok"))
  }

  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
  ])
  func datesAreThoseOfTheCalendar(seconds: Int, text: String) { #expect(httpDate(seconds) == text) }
}
