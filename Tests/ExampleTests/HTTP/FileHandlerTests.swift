import Nursery
import Testing

@testable import HTTPServer

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct FileHandlerTests {
  private let site: Site

  init() throws { site = try Site() }

  /// The server's answer, with files made by a shell command; without headers that depend on their time.
  private func answer(_ request: String, files command: String) throws -> String {
    try site.make(command)
    let fields = ["Last-Modified: ", "ETag: ", "Accept-Ranges: "]
    return try site.answer(request).split(separator: "\r\n", omittingEmptySubsequences: false)
      .filter { line in !fields.contains { line.hasPrefix($0) } }.joined(separator: "\r\n")
  }

  private let html = "Content-Type: text/html; charset=utf-8\r\n"

  @Test func noNameIsNoFolder() throws {
    expectThrows(UsageError.self) { try Options([""]) }
    expectEqual(try Options(["."]).root, ".")
  }

  @Test func aFileIsSentWithWhatItContains() throws {
    let text = try answer(get("/a%20b.HTML?x=y"), files: "printf hello > 'a b.HTML'")
    #expect(text == response("hello", fields: html))
    #expect(
      try answer(get("/a%20b.HTML", method: "HEAD"), files: "true")
        == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\(html)\r\n")
    #expect(
      try answer(get("http://a/none"), files: "touch none")
        == response("", fields: "Content-Type: application/octet-stream\r\n"))
  }

  @Test func aFolderIsItsIndex() throws {
    let files = "mkdir -p sub empty; printf one > index.html; printf two > sub/index.html"
    #expect(try answer(get("/"), files: files) == response("one", fields: html))
    #expect(try answer(get("http://a"), files: files) == response("one", fields: html))
    #expect(try answer(get("/sub/"), files: files) == response("two", fields: html))
    #expect(
      try answer(get("/sub"), files: files).contains(
        "301 Moved Permanently\r\nContent-Length: 22\r\nLocation: /sub/\r\n"))
    #expect(try answer(get("/sub?a=b&c"), files: files).contains("\r\nLocation: /sub/?a=b&c\r\n"))
    #expect(try answer(get("http://a/sub?"), files: files).contains("\r\nLocation: /sub/?\r\n"))
    for path in ["/empty/", "/sub/index.html/", "//sub/", "/sub//index.html", "/SUB/"] {
      #expect(statuses(try answer(get(path), files: files)) == [404], "\(path)")
    }
  }

  @Test(arguments: [
    "/../secret", "/sub/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/%2E./secret", "/sub/..%2f..%2fsecret",
    "/./a", "/.hidden",
    "/%2ehidden", "/a%00", "/a%", "/a%2", "/a%zz", "/%ff", "/sub%2fa", "/..", "/...", "/a/",
    "/\(String(repeating: "x", count: 300))",
    "/fifo", "/link-to-itself",
  ])
  func noPathLeavesTheFolder(path: String) throws {
    let files =
      "mkdir -p sub; touch a sub/a .hidden ../secret; mkfifo fifo 2>/dev/null; ln -sfn link-to-itself link-to-itself; true"
    #expect(statuses(try answer(get(path), files: files)) == [404])
  }

  @Test func onlyReadingIsAllowed() throws {
    let text = try answer(get("/", method: "DELETE"), files: "true")
    #expect(text.hasPrefix("HTTP/1.1 405 Method Not Allowed\r\n"))
    #expect(text.contains("\r\nAllow: GET, HEAD\r\n"))
    #expect(statuses(try answer(get("/", method: "BREW"), files: "true")) == [501])
  }

  @Test func aLargeFileArrivesWhole() throws {
    let text = try answer(get("/large"), files: "yes 0123456789abcde | head -c 1000000 > large")
    #expect(text.utf8.count > 1_000_000)
    #expect(text.hasSuffix(String(repeating: "0123456789abcde\n", count: 62_500)))
  }

  #if os(Linux)
    /// The server's answer for /proc/PID/environ, which has a stated size of 0, and the real contents.
    private func answerForEnvironment(
      variables: Int, of length: Int, method: String = "GET"
    ) throws -> (answer: String, content: String) {
      let names = (0..<variables).map { "V\($0)" }
      // The shell that writes to `ready` has this environment.
      try site.make(
        """
        mkfifo ready hold && value=$(head -c \(length) /dev/zero | tr '\\0' v)
        env -i \(names.map { "\($0)=$value" }.joined(separator: " ")) /bin/sh -c 'echo > ready; read line < hold' &
        read line < ready && ln -s /proc/$! process
        """)
      defer { try? site.make("echo > hold; rm ready hold process") }
      return (
        try site.answer(get("/process/environ", method: method)),
        names.map { "\($0)=\(String(repeating: "v", count: length))\0" }.joined()
      )
    }

    @Test func aSmallFileThatStatesNoSizeIsSentWhole() throws {
      let (answer, content) = try answerForEnvironment(variables: 1, of: 1000)
      let whole = response(content, fields: "Content-Type: application/octet-stream\r\n")
      #expect(answer == whole)
      let (head, _) = try answerForEnvironment(variables: 1, of: 1000, method: "HEAD")
      #expect(head == whole.dropLast(content.count))
    }

    @Test func aLargeFileThatStatesNoSizeIsSentInChunks() throws {
      let (answer, content) = try answerForEnvironment(variables: 3, of: 100_000)
      var rest = answer[...]
      #expect(answer.contains("\r\nTransfer-Encoding: chunked\r\n"))
      rest = rest[(rest.firstRange(of: "\r\n\r\n")?.upperBound ?? rest.endIndex)...]
      var chunks = ""
      while let end = rest.firstRange(of: "\r\n"), let count = Int(rest[..<end.lowerBound], radix: 16), count > 0 {
        chunks += rest[end.upperBound...].prefix(count)
        rest = rest[end.upperBound...].dropFirst(count + 1)  // a line's end is one character
      }
      #expect(rest == "0\r\n\r\n")
      #expect(chunks == content)
    }

    /// The kernel states the size of a page for this file.
    @Test(.enabled(if: access("/sys/devices/system/cpu/online", R_OK) == 0, "there is no /sys"))
    func aFileThatStatesTooLargeASizeIsSentWhole() throws {
      try site.make("ln -s /sys/devices/system/cpu cpu; cat cpu/online > copy")
      let expected = try answer(get("/copy"), files: "true")
      #expect(try site.answer(get("/cpu/online")) == expected)
    }
  #endif
}
