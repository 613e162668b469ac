import Nursery
import Testing

@testable import HTTPServer

/// Parts of files.
struct RangeTests {
  @Test(
    arguments: [
      ("bytes=0-0", .parts([0..<1])), ("bytes=0-99", .parts([0..<10])), ("bytes=9-", .parts([9..<10])),
      ("bytes=0-", .parts([0..<10])), ("bytes=-3", .parts([7..<10])), ("bytes=-99", .parts([0..<10])),
      ("BYTES=2-4", .parts([2..<5])), ("bytes= ,2-4 ,, ", .parts([2..<5])),
      ("bytes=0-99999999999999999999", .parts([0..<10])), ("bytes=-99999999999999999999", .parts([0..<10])),
      ("bytes=0-1,4-5,-1", .parts([0..<2, 4..<6, 9..<10])), ("bytes=4-5,0-1", .parts([4..<6, 0..<2])),
      ("bytes=0-0,20-30", .parts([0..<1])), ("bytes=0-1,1-2", .parts([0..<2, 1..<3])),
      ("bytes=10-", .unsatisfiable), ("bytes=10-12,99999999999999999999-", .unsatisfiable),
      ("bytes=-0", .unsatisfiable), ("bytes=10-,-0", .unsatisfiable),
      ("bytes=0-9,0-0", .whole), ("bytes=0-,0-,0-", .whole), ("bytes=5-4", .whole), ("bytes=0-1,5-4", .whole),
      ("bytes=", .whole), ("bytes=-", .whole), ("bytes=,", .whole), ("bytes", .whole), ("bytes=a-b", .whole),
      ("bytes=1", .whole), ("bytes=1-2-3", .whole), ("bytes=+1-2", .whole), ("bytes=1 - 2", .whole),
      ("bytes=0x0-1", .whole), ("lines=0-1", .whole), ("", .whole), ("bytes=0-0, bytes=1-1", .whole),
    ] as [(String, ByteRanges)])
  func aHeaderNamesParts(header: String, expected: ByteRanges) {
    #expect(ByteRanges(header, length: 10) == expected)
  }

  @Test func partsThatCostMoreThanTheFileAreNotSent() {
    func many(_ count: Int) -> String { "bytes=" + (0..<count).map { "\($0)-\($0)" }.joined(separator: ",") }
    #expect(ByteRanges(many(32), length: 1000) == .parts((0..<32).map { $0..<$0 + 1 }))
    #expect(ByteRanges(many(33), length: 1000) == .whole)
    #expect(ByteRanges("bytes=0-", length: 0) == .whole)
    #expect(ByteRanges("bytes=-1", length: 0) == .whole)
  }

  // MARK: Answers

  private let site: Site
  private let tag: String
  private let date = "Sun, 06 Nov 1994 08:49:37 GMT"

  init() throws {
    site = try Site()
    try site.make(
      "printf 0123456789 > a; touch empty; seq 100000 999999 | head -c 200000 > large; touch -d @784111777 a large")
    tag = try #require(site.field("ETag", in: site.answer(get("/a"))))
  }

  private func body(_ answer: String) -> String {
    String(answer[(answer.firstRange(of: "\r\n\r\n")?.upperBound ?? answer.endIndex)...])
  }

  @Test func aFileThatHasPartsSaysSo() throws {
    #expect(try site.field("Accept-Ranges", in: site.answer(get("/a"))) == "bytes")
  }

  @Test func onePartIsSentAsItIs() throws {
    let text = try site.answer(get("/a", "Range: bytes=2-4\r\n"))
    #expect(
      text == """
        HTTP/1.1 206 Partial Content\r
        Content-Length: 3\r
        ETag: \(tag)\r
        Last-Modified: \(date)\r
        Accept-Ranges: bytes\r
        Content-Type: application/octet-stream\r
        Content-Range: bytes 2-4/10\r
        \r
        234
        """)
  }

  @Test func severalPartsAreSentInTheirOrder() throws {
    for (path, length) in [("/a", 10), ("/large", 200_000)] {
      let whole = Array(body(try site.answer(get(path))))
      let parts = [length - 2..<length, 0..<1, 3..<length / 2]
      let ranges = "bytes=-2,0-0,3-\(length / 2 - 1)"
      let text = try site.answer(get(path, "Range: \(ranges)\r\n"))
      #expect(statuses(text.prefix(100).description) == [206])
      let type = try #require(site.field("Content-Type", in: text))
      #expect(type.hasPrefix("multipart/byteranges; boundary="))
      let boundary = type.dropFirst("multipart/byteranges; boundary=".count)
      let expected =
        parts.map { part in
          "--\(boundary)\r\nContent-Type: application/octet-stream\r\n"
            + "Content-Range: bytes \(part.lowerBound)-\(part.upperBound - 1)/\(length)\r\n\r\n"
            + String(whole[part]) + "\r\n"
        }.joined() + "--\(boundary)--\r\n"
      #expect(body(text) == expected)
      #expect(site.field("Content-Length", in: text) == "\(expected.utf8.count)")
    }
  }

  @Test func aPartOfALargeFileIsReadWhereItLies() throws {
    let whole = body(try site.answer(get("/large")))
    let part = body(try site.answer(get("/large", "Range: bytes=70000-189999\r\n")))
    #expect(part == whole.dropFirst(70_000).prefix(120_000))
    #expect(body(try site.answer(get("/large", "Range: bytes=-5\r\n"))) == whole.suffix(5))
  }

  @Test func aRangeOutsideTheFileIsRefusedWithTheLength() throws {
    let text = try site.answer(get("/a", "Range: bytes=10-\r\n"))
    #expect(statuses(text) == [416])
    #expect(site.field("Content-Range", in: text) == "bytes */10")
    #expect(site.field("ETag", in: text) == nil)
    #expect(statuses(try site.answer(get("/empty", "Range: bytes=0-\r\n"))) == [200])
  }

  @Test func onlyGetHasParts() throws {
    let head = try site.answer(get("/a", method: "HEAD"))
    #expect(try site.answer(get("/a", "Range: bytes=2-4\r\n", method: "HEAD")) == head)
    #expect(try site.answer(get("/a", "Range: bytes=0-0\r\nRange: bytes=1-1\r\n")) == site.answer(get("/a")))
    #expect(try site.answer(get("/a", "Range: lines=2-4\r\n")) == site.answer(get("/a")))
  }

  @Test func partsAreOnlySentOfTheVersionOfWhichTheClientHasOthers() throws {
    func status(_ version: String) throws -> [Int] {
      statuses(try site.answer(get("/a", "Range: bytes=2-4\r\nIf-Range: \(version)\r\n")))
    }
    for version in [tag, date] { #expect(try status(version) == [206]) }
    // A part requires the same bytes: neither a later date nor a weak tag is enough.
    for version in ["\"x\"", "W/\(tag)", "Sun, 06 Nov 1994 08:49:38 GMT", "Sun, 06 Nov 1994 08:49:36 GMT", "*", "x"] {
      #expect(try status(version) == [200], "\(version)")
    }
    // If the version is not current, the range is ignored.
    #expect(statuses(try site.answer(get("/a", "Range: bytes=10-\r\nIf-Range: \"x\"\r\n"))) == [200])
    try site.make("touch -d '+1 day' a")
    let recent = try site.answer(get("/a", method: "HEAD"))
    #expect(try status(site.field("ETag", in: recent) ?? "") == [200])
    #expect(try status(site.field("Last-Modified", in: recent) ?? "") == [200])
  }

  @Test func aConditionComesBeforeAPart() throws {
    #expect(statuses(try site.answer(get("/a", "Range: bytes=2-4\r\nIf-None-Match: \(tag)\r\n"))) == [304])
    #expect(statuses(try site.answer(get("/a", "Range: bytes=2-4\r\nIf-Match: \"x\"\r\n"))) == [412])
    #expect(statuses(try site.answer(get("/a", "Range: bytes=10-\r\nIf-None-Match: \(tag)\r\n"))) == [304])
  }
}
