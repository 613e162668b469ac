import Testing

@testable import HTTPServer

struct HeadParserTests {
  /// The parser's result for a head that comes at once.
  private func parse(_ text: some StringProtocol, limits: Limits = Limits()) -> Result<RequestHead, HTTPError> {
    var head = RequestHead()
    var parser = HeadParser(limits: limits)
    do {
      let bytes = Array(text.utf8)
      guard let count = try parser.parse(bytes[...], into: &head) else { return .failure(HTTPError(.ok, "incomplete")) }
      #expect(count == bytes.count)
      return .success(head)
    } catch {
      return .failure(error)
    }
  }

  /// The same for a head that comes byte by byte.
  private func parseBytewise(_ text: String, limits: Limits = Limits()) -> Result<RequestHead, HTTPError> {
    var head = RequestHead()
    var parser = HeadParser(limits: limits)
    do {
      let bytes = Array(text.utf8)
      for end in 1...bytes.count {
        let found = try parser.parse(bytes[..<end], into: &head)
        if found != nil {
          #expect(end == bytes.count)
          return .success(head)
        }
      }
      return .failure(HTTPError(.ok, "incomplete"))
    } catch {
      return .failure(error)
    }
  }

  private func summary(_ result: Result<RequestHead, HTTPError>) -> String {
    switch result {
    case .failure(let error): "\(error.status.code)"
    case .success(let head):
      "\(head.text(head.methodName)) \(head.method) \(head.text(head.target)) 1.\(head.minorVersion) \(head.framing)"
        + (head.keepsAlive ? " keeps" : "") + (head.expectsContinue ? " expects" : "")
        + head.fields.map { "|\(head.text($0.name))=\(head.text($0.value))" }.joined()
    }
  }

  static let good: [(String, String)] = [
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET get / 1.1 none keeps|Host=a"),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET get / 1.1 none keeps|Host=a"),
    ("HEAD /x?y=%20 HTTP/1.9\r\nhOST:a:80\r\n\r\n", "HEAD head /x?y=%20 1.1 none keeps|hOST=a:80"),
    ("GET / HTTP/1.0\r\n\r\n", "GET get / 1.0 none"),
    ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET get / 1.0 none keeps|Connection=Keep-Alive"),
    ("GET / HTTP/1.1\r\nHost:\r\nConnection: x , CLOSE\r\n\r\n", "GET get / 1.1 none|Host=|Connection=x , CLOSE"),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n",
      "POST post / 1.1 length(12) keeps|Host=a|Content-Length=12"
    ),
    ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "PUT put / 1.1 none keeps|Host=a|Content-Length=0"),
    (
      "PATCH / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n",
      "PATCH patch / 1.1 chunked keeps expects|Host=a|Transfer-Encoding=Chunked|Expect=100-Continue"
    ),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \t a b\té \t\r\n\r\n", "GET get / 1.1 none keeps|Host=a|X=a b\té"),
    ("M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS options * 1.1 none keeps|Host=a"),
    ("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "BREW other /pot 1.1 none keeps|Host=a"),
    ("get / HTTP/1.1\r\nHost: a\r\n\r\n", "get other / 1.1 none keeps|Host=a"),
    ("GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "GET get http://a/b 1.1 none keeps|Host=a"),
    ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT connect a:443 1.1 none keeps|Host=a"),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
      "POST post / 1.1 length(5) keeps|Host=a|Content-Length=5|content-length=5"
    ),
  ]

  @Test(arguments: good) func aHeadIsWhatItSays(text: String, expected: String) {
    #expect(summary(parse(text)) == expected)
    #expect(summary(parseBytewise(text)) == expected)
  }

  static let badLines: [(String, Int)] = [
    (" GET / HTTP/1.1", 400), ("GET  / HTTP/1.1", 400), ("GET /  HTTP/1.1", 400), ("GET / HTTP/1.1 ", 400),
    ("GET\t/ HTTP/1.1", 400), ("GET /", 400), ("GET", 400), ("GET / http/1.1", 400), ("GET / HTTP/1", 400),
    ("GET / HTTP/11", 400), ("GET / HTTP/1.10", 400), ("GET / HTTP/2.0", 505), ("GET / HTTP/0.9", 505),
    ("PRI * HTTP/2.0", 400), ("GET a HTTP/1.1", 400), ("GET /a b HTTP/1.1", 400), ("GET /\u{1} HTTP/1.1", 400),
    ("GET /#x HTTP/1.1", 400), ("GET /é HTTP/1.1", 400), ("GET http:///x HTTP/1.1", 400), ("GET http:// HTTP/1.1", 400),
    ("G(T / HTTP/1.1", 400), ("CONNECT /a HTTP/1.1", 400), ("GET /\r HTTP/1.1", 400), ("GET / HTTP/a.1", 400),
    ("\u{16}\u{3}\u{1}\u{2}", 400),
  ]

  @Test(arguments: badLines) func aMalformedFirstLineIsRefused(line: String, status: Int) {
    let text = "\(line)\r\nHost: a\r\n\r\n"
    #expect(summary(parse(text)) == "\(status)")
    #expect(summary(parseBytewise(text)) == "\(status)")
  }

  static let badFields: [(String, Int)] = [
    ("X : a", 400), (" X: a", 400), ("\tX: a", 400), ("X", 400), (": a", 400), ("X y: a", 400), ("X: a\r\n b", 400),
    ("X: \u{0}", 400), ("X: a\rb", 400), ("X: \u{7f}", 400), ("X: a\nY: b", 400), ("\u{e9}: a", 400),
    ("Host: b", 400), ("Host: a b", 400), ("Host: a/b", 400), ("Host: a@b", 400),
    ("Content-Length: 5\r\nContent-Length: 6", 400), ("Content-Length: 5, 5", 400), ("Content-Length: +5", 400),
    ("Content-Length: -5", 400), ("Content-Length: 0x5", 400), ("Content-Length: 5 5", 400), ("Content-Length:", 400),
    ("Content-Length: 1_0", 400), ("Content-Length: ٣", 400),
    ("Content-Length: 9223372036854775808", 413), ("Content-Length: 99999999999999999999999999", 413),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400), ("Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400), ("Transfer-Encoding: gzip, chunked", 501),
    ("Transfer-Encoding: chunked, identity", 501), ("Transfer-Encoding: xchunked", 501), ("Transfer-Encoding:", 501),
    ("Transfer-Encoding : chunked", 400), ("Transfer-Encoding: \u{b}chunked", 400), ("Expect: the best", 417),
    ("Expect: 100-continue\r\nExpect: more", 417),
  ]

  @Test(arguments: badFields) func headersThatCouldBeReadInTwoWaysAreRefused(fields: String, status: Int) {
    let text = "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n"
    #expect(summary(parse(text)) == "\(status)")
    #expect(summary(parseBytewise(text)) == "\(status)")
  }

  @Test func aLineEndsWithBothOfItsCharacters() {
    for text in [
      "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n", "\n",
    ] {
      #expect(summary(parse(text)) == "400")
      #expect(summary(parseBytewise(text)) == "400")
    }
  }

  @Test func thereMustBeOneHostAndNoChunksBeforeTheyWereInvented() {
    #expect(summary(parse("GET / HTTP/1.1\r\n\r\n")) == "400")
    #expect(summary(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")) == "400")
  }

  @Test func noPrefixOfAHeadIsAHead() {
    for (text, expected) in Self.good where expected != "400" {
      for count in 0..<text.utf8.count {
        let prefix = String(decoding: text.utf8.prefix(count), as: UTF8.self)
        if prefix.utf8.count == count { #expect(summary(parse(prefix)) == "200") }
      }
    }
  }

  @Test func limitsAreKeptToTheByteHoweverTheBytesAreCut() {
    var limits = Limits()
    (limits.requestLine, limits.head, limits.fields) = (20, 60, 3)
    func expectStatus(_ text: String, _ status: Int?) {
      let (whole, bytewise) = (summary(parse(text, limits: limits)), summary(parseBytewise(text, limits: limits)))
      #expect(whole == bytewise)
      if let status { #expect(whole == "\(status)") } else { #expect(whole.hasPrefix("GET")) }
    }
    expectStatus("GET /aaaa HTTP/1.1\r\nHost: a\r\n\r\n", nil)
    expectStatus("GET /aaaaa HTTP/1.1\r\nHost: a\r\n\r\n", 414)
    expectStatus("GET /\(String(repeating: "a", count: 100))", 414)
    expectStatus("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 28))\r\n\r\n", nil)
    expectStatus("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 29))\r\n\r\n", 431)
    expectStatus("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 99))", 431)
    expectStatus("GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY:\r\n\r\n", nil)
    expectStatus("GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY:\r\nZ:\r\n\r\n", 431)
    expectStatus(String(repeating: "\r\n", count: 31), 431)
  }

  @Test func charactersOfNamesAreThoseOfTheStandard() {
    let tokens = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
    for byte in UInt8.min...UInt8.max { #expect(byte.isToken == tokens.contains(byte)) }
  }

  @Test func aParserBeginsAfreshBehindAHeadAndAnError() throws {
    var (parser, head) = (HeadParser(limits: Limits()), RequestHead())
    for text in ["GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n", "\n", "GET /b HTTP/1.1\r\nHost: a\r\n\r\n"] {
      _ = try? parser.parse(Array(text.utf8)[...], into: &head)
    }
    #expect(head.text(head.target) == "/b")
    #expect(head.fields.count == 1)
  }
}

extension HeadParser {
  /// The result of `parse` for these bytes.
  fileprivate mutating func parse(_ bytes: ArraySlice<UInt8>, into head: inout RequestHead) throws(HTTPError) -> Int? {
    try bytes.withUnsafeBytes { bytes -> Result<Int?, HTTPError> in
      do throws(HTTPError) { return .success(try parse(bytes, into: &head)) } catch { return .failure(error) }
    }.get()
  }
}
