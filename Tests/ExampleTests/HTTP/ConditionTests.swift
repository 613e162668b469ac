import Nursery
import Testing

@testable import HTTPServer

/// Requests that depend on the version that the client has.
struct ConditionTests {
  private let site: Site
  private let tag: String

  init() throws {
    site = try Site()
    try site.make("printf hello > a; touch -d @784111777 a")
    tag = try #require(site.field("ETag", in: site.answer(get("/a"))))
  }

  private func status(_ fields: [String], method: String = "GET") throws -> [Int] {
    statuses(try site.answer(get("/a", fields.map { "\($0)\r\n" }.joined(), method: method)))
  }

  @Test(
    arguments: [
      ("Sun, 06 Nov 1994 08:49:37 GMT", 304), ("Sun, 06 Nov 1994 08:49:36 GMT", 200),
      ("Sun, 06 Nov 1994 08:49:38 GMT", 304), ("Sat, 06 Nov 2094 08:49:37 GMT", 304),
      ("Sunday, 06-Nov-94 08:49:37 GMT", 304), ("Sun Nov  6 08:49:37 1994", 304), ("Sun Nov  6 08:49:36 1994", 200),
      ("yesterday", 200), ("", 200),
    ])
  func aFileThatIsNoNewerThanTheClientsDateIsNotSentAgain(date: String, expected: Int) throws {
    for method in ["GET", "HEAD"] {
      #expect(try status(["If-Modified-Since: \(date)"], method: method) == [expected])
    }
    // The condition with the opposite meaning; an invalid date is ignored.
    let isCondition = secondsOfHTTPDate(date, now: 0) != nil
    #expect(try status(["If-Unmodified-Since: \(date)"]) == [isCondition && expected == 200 ? 412 : 200])
  }

  @Test func anAnswerWithoutAFileSaysWhichVersionTheClientHas() throws {
    let fields = "ETag: \(tag)\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    #expect(try site.answer(get("/a", "If-None-Match: \(tag)\r\n")) == "HTTP/1.1 304 Not Modified\r\n\(fields)\r\n")
  }

  @Test func aTagThatTheClientHasIsFoundInAnyList() throws {
    for list in [tag, "W/\(tag)", "\"x\", \(tag)", "W/\"x,\" ,,\(tag) , \"y\"", "*"] {
      #expect(try status(["If-None-Match: \(list)"]) == [304], "\(list)")
    }
    #expect(try status(["If-None-Match: \"x\"", "if-none-match: \(tag)"]) == [304])
    for list in ["\"x\"", "\(tag.dropLast())", "\(tag.dropFirst().dropLast())", "\(tag) \(tag)", "", "w/\(tag)"] {
      #expect(try status(["If-None-Match: \(list)"]) == [200], "\(list)")
    }
  }

  @Test func aTagCountsForMoreThanADate() throws {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    #expect(try status(["If-None-Match: \"x\"", "If-Modified-Since: \(date)"]) == [200])
    #expect(try status(["If-Match: \(tag)", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT"]) == [200])
    #expect(try status(["If-Match: \(tag)", "If-None-Match: \(tag)"]) == [304])
  }

  @Test func aVersionThatIsNotThereIsNotSent() throws {
    for (list, expected) in [("*", 200), (tag, 200), ("\"x\"", 412), ("W/\(tag)", 412), ("nonsense", 412)] {
      #expect(try status(["If-Match: \(list)"]) == [expected], "\(list)")
    }
  }

  @Test(arguments: ["printf hallo > a; touch -d @784111777.5 a", "printf hello! > a; touch -d @784111777 a"])
  func anotherContentHasAnotherTag(change: String) throws {
    try site.make(change)
    let other = try #require(site.field("ETag", in: site.answer(get("/a"))))
    #expect(other != tag)
    #expect(!other.hasPrefix("W/"))
  }

  @Test func theTagOfAFileThatMayStillBeChangingIsWeak() throws {
    try site.make("touch -d '+1 day' a")
    #expect(try site.field("ETag", in: site.answer(get("/a")))?.hasPrefix("W/\"") == true)
  }

  #if os(Linux)
    @Test func aFileThatTheKernelMakesUpHasNoVersions() throws {
      try site.make("ln -s /proc proc")
      let text = try site.answer(get("/proc/version"))
      #expect(site.field("ETag", in: text) == nil)
      #expect(site.field("Last-Modified", in: text) == nil)
      #expect(site.field("Accept-Ranges", in: text) == nil)
      let date = "If-Modified-Since: Sat, 06 Nov 2094 08:49:37 GMT\r\n"
      #expect(try site.answer(get("/proc/version", date + "Range: bytes=0-0\r\n")) == text)
    }
  #endif
}

struct HTTPDateTests {
  private let now = 784_111_777

  @Test func everyDateThatIsSentIsRead() {
    for seconds in stride(from: -62_135_596_800, to: 253_402_300_800, by: 86_400 * 89 + 3_723) {
      #expect(secondsOfHTTPDate(httpDate(seconds), now: now) == seconds)
    }
  }

  @Test(
    arguments: [
      ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777), ("Sun Nov  6 08:49:37 1994", 784_111_777),
      ("Tue Nov 16 08:49:37 1994", 784_975_777), ("Friday, 06-Nov-44 08:49:37 GMT", 2_362_034_977),
      ("Monday, 06-Nov-45 08:49:37 GMT", -762_189_023), ("Thu, 29 Feb 1996 23:59:60 GMT", 825_638_400),
    ])
  func theObsoleteFormsAreReadToo(text: String, seconds: Int) { #expect(secondsOfHTTPDate(text, now: now) == seconds) }

  @Test(
    arguments: [
      "", "Sun", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov -994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06-Nov 08:49:37 GMT", "Sun Nov 6 08:49:37 94",
    ])
  func aMalformedDateIsNotRead(text: String) { #expect(secondsOfHTTPDate(text, now: now) == nil) }
}
