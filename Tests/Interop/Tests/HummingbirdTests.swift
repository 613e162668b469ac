import Hummingbird
import Logging
import Nursery
import Testing

/// hummingbird: a handler runs fibers and performs operations, and fibers talk to the server.
struct HummingbirdTests {
  @Test func aHandlerRunsFibersAndPerformsOperations() async throws {
    let number = Promise<Int>()
    let router = Router()
    router.get("squares") { _, _ -> String in
      let squares = try await withNursery { _ in try (1...4).concurrentMap(limit: 4) { $0 * $0 } }
      return "\(squares)"
    }
    router.get("next") { _, _ -> String in
      try await choose(
        number.waitOp().wrap { "\($0)" }, timeoutOp(after: .seconds(60)).wrap { "none" })
    }
    let port = Promise<Int>()
    let application = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { port.fulfill($0.localAddress!.port!) }, logger: Logger(label: "hummingbird"))
    let serving = Task { try await application.run() }
    let server = UInt16(try await port.wait())
    number.fulfill(7)
    let bodies = try await withNursery { _ in
      try ["/squares", "/next"].concurrentMap(limit: 2) { try fetch($0, fromPort: server) }
    }
    #expect(bodies == ["[1, 4, 9, 16]", "7"])
    serving.cancel()
    try? await serving.value
  }
}

/// The last line of the answer.
private func fetch(_ path: String, fromPort port: UInt16) throws -> String? {
  let connection = try TCPStream.connect(to: .ip(.loopback, port: port))
  try connection.writeAll("GET \(path) HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
  var last: String?
  for line in try BufferedReader(connection).lines() { last = line }
  return last
}
