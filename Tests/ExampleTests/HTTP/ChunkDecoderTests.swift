import Testing

@testable import HTTPServer

struct ChunkDecoderTests {
  /// The contents of a chunked body; the status of the error if it is malformed, nil if it is incomplete.
  private func decode(_ text: String) -> (body: String, status: Int?) {
    var decoder = ChunkDecoder()
    var body: [UInt8] = []
    do {
      for byte in text.utf8 {
        if decoder.isAtEnd { return ("there is more", 0) }
        if decoder.dataCount > 0 {
          body.append(byte)
          decoder.take(1)
        } else {
          try decoder.decode(byte)
        }
      }
      return (String(decoding: body, as: UTF8.self), decoder.isAtEnd ? 200 : nil)
    } catch { return ("", error.status.code) }
  }

  @Test(arguments: [
    ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("1\r\na\r\n00002\r\nbc\r\n000\r\n\r\n", "abc"),
    ("a;x=y;z=\"\t\u{e9}\"\r\n0123456789\r\n0;last\r\n\r\n", "0123456789"),
    ("A \t;x\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    ("2\r\n\r\n\r\n0\r\nTrailer: a\r\nX:\r\n\r\n", "\r\n"),
  ])
  func chunksAreJoined(text: String, body: String) {
    #expect(decode(text) == (body, 200))
    for count in 0..<text.utf8.count {
      #expect(decode(String(decoding: text.utf8.prefix(count), as: UTF8.self)).status == nil)
    }
  }

  @Test(arguments: [
    ("\r\n", 400), ("g\r\n", 400), ("-1\r\n", 400), ("+1\r\n", 400), ("0x1\r\n", 400), (" 1\r\n", 400), ("1 \r\n", 400),
    ("1 2\r\n", 400), ("1\n", 400), ("1\ra", 400), ("1;a\n", 400), ("1;a\rb", 400), ("1;\u{0}", 400), ("1\r\nab", 400),
    ("1\r\na\n", 400), ("1\r\na\rb", 400), ("7fffffffffffffff0\r\n", 413), ("8000000000000000\r\n", 413),
    ("ffffffffffffffffffff\r\n", 413),
    ("0\r\n\n", 400), ("0\r\nX : y\r\n", 400), ("0\r\n X: y\r\n", 400), ("0\r\nX\r\n", 400), ("0\r\nX: \u{0}", 400),
    ("0\r\nX: a\rb", 400), ("0\r\nX: a\r\n\rb", 400),
    ("1;\(String(repeating: "x", count: 300))\r\n", 400), (String(repeating: "0", count: 300), 400),
    ("0\r\n\(String(repeating: "X: y\r\n", count: 2000))", 431),
  ])
  func malformedChunksAreRefused(text: String, status: Int) { #expect(decode(text).status == status) }

  @Test func theLargestSizeIsTakenAtItsWord() throws {
    var decoder = ChunkDecoder()
    for byte in "7fffffffffffffff\r\n".utf8 { try decoder.decode(byte) }
    #expect(decoder.dataCount == .max)
  }
}
