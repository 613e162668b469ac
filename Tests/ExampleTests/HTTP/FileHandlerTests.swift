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
  private let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// What the server answers, from the files that a shell command has made.
  private func answer(_ request: String, files command: String) throws -> String {
    let outcome = try workshop.shell("mkdir -p root; pwd; cd root; \(command)")
    #expect(outcome.status == 0 && outcome.errors == "")
    let folder = outcome.output.split(separator: "\n").first.map(String.init) ?? ""
    let files = FileHandler(root: "\(folder)/root")
    let text = try exchange(request, service: Service(report: { Issue.record($0) }) { try files($0, $1) })
    return text.split(separator: "\r\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("Last-Modified: ") }
      .joined(separator: "\r\n")
  }

  private func get(_ path: String, _ fields: String = "", method: String = "GET") -> String {
    "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
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
  func nobodyGetsOut(path: String) throws {
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

  @Test func aFileThatTheClientHasIsNotSentAgain() throws {
    let files = "printf hello > a; touch -d @784111777 a"
    let date = "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    #expect(try answer(get("/a", date), files: files) == "HTTP/1.1 304 Not Modified\r\n\r\n")
    let older = "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"
    #expect(statuses(try answer(get("/a", older), files: files)) == [200])
  }

  @Test func aLargeFileArrivesWhole() throws {
    let text = try answer(get("/large"), files: "yes 0123456789abcde | head -c 1000000 > large")
    #expect(text.utf8.count > 1_000_000)
    #expect(text.hasSuffix(String(repeating: "0123456789abcde\n", count: 62_500)))
  }
}
