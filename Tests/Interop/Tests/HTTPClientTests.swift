import AsyncHTTPClient
import NIOCore
import Nursery
import Testing

/// async-http-client: fibers make requests, a few at once, and under their own deadlines.
struct HTTPClientTests {
  @Test func fibersFetchAtOnceAndALateAnswerIsGivenUp() async throws {
    let listener = try TCPListener(.loopback, port: 0)
    let url = "http://127.0.0.1:\(listener.port)"
    let (texts, late) = try await withNursery { nursery in
      nursery.goAsync(daemon: true) { try listener.serve { try answer($0) } }
      let texts = try (0..<4).concurrentMap(limit: 2) { number in
        try runAsync { try await fetch("\(url)/\(number)") }
      }
      let late = try choose(
        asyncOp { try await fetch(url + "/never") }, timeoutOp(after: .milliseconds(20)).wrap { "late" })
      return (texts, late)
    }
    #expect(texts == ["/0", "/1", "/2", "/3"])
    #expect(late == "late")
  }
}

private func fetch(_ url: String) async throws -> String {
  let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(60))
  return String(buffer: try await response.body.collect(upTo: 1024))
}

/// Answers each request of a connection with its path.
private func answer(_ connection: TCPStream) throws {
  let reader = BufferedReader(connection)
  while let line = try reader.readLine() {
    let path = line.split(separator: " ")[1]
    while let header = try reader.readLine(), !header.allSatisfy(\.isWhitespace) {}
    if path == "/never" { try Op<Void>.never.perform() }
    try connection.writeAll("HTTP/1.1 200 OK\r\ncontent-length: \(path.utf8.count)\r\n\r\n\(path)")
  }
}
