import Nursery
import TestSupport
import Testing

/// Servers that a signal asks to end, as a service manager does.
@Suite struct TerminationTests {
  /// Starts a server, which says where it listens, and calls `body` with the port.
  private func withServer(_ command: [String], _ body: (ChildProcess, UInt16) throws -> Void) throws {
    let workshop = try Workshop()
    try withNursery { _ in
      let program = Command(workshop.path(of: command[0]), arguments: Array(command.dropFirst()), output: .pipe)
      let process = try program.start()
      let line = try BufferedReader(process.output!).readLine() ?? ""
      // "x listens on 127.0.0.1:80", "listening on http://127.0.0.1:80/"
      try body(process, UInt16(line.split(separator: ":").last?.prefix { $0.isNumber } ?? "") ?? 0)
      expectEqual(try process.wait(), .exited(0))
    }
  }

  @Test(
    arguments: [
      ["http-server", "--port", "0"], ["memcached-server", "-p", "0"], ["ping-server", "0"], ["chat-server", "0"],
    ],
    [Signal.interrupt, .terminate])
  func aServerThatIsAskedToEndEndsWithSuccess(command: [String], signal: Signal) throws {
    try withServer(command) { process, port in
      process.kill(signal)
      // The thread sanitizer keeps a signal that interrupts a fiber until that fiber calls the system again; here it accepts.
      if isSanitized { _ = try? TCPStream.connect(to: .ip(.loopback, port: port)) }
    }
  }

  /// A client's bytes: the server answers the first line and cannot answer the rest.
  private static let halfRequests = [
    (
      ["http-server", "--port", "0"],
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    ),
    (["memcached-server", "-p", "0"], "version\r\nset a 0 0 3\r\n"),
    (["ping-server", "0"], "ping 1\nping"),
  ]

  @Test(arguments: halfRequests)
  func aServerThatIsNotToWaitForItsClientsEndsWithSuccess(command: [String], request: String) throws {
    try withServer(command) { process, port in
      let client = try TCPStream.connect(to: .ip(.loopback, port: port))
      try client.writeAll(request)
      expectEqual(try BufferedReader(client).readLine() == nil, false)
      // Keep the client: otherwise the server would end at the first signal, and the second would find no listener.
      try withExtendedLifetime(client) {
        process.kill(.terminate)
        process.kill(.interrupt)
        _ = try process.wait()
      }
    }
  }

  @Test func aServerWhoseClientsAreNotDoneWhenTheGraceIsOverEndsWithSuccess() throws {
    try withServer(["http-server", "--port", "0", "--grace", "0.1"]) { process, port in
      let client = try TCPStream.connect(to: .ip(.loopback, port: port))
      try client.writeAll(Self.halfRequests[0].1)
      expectEqual(try BufferedReader(client).readLine() == nil, false)
      try withExtendedLifetime(client) {
        process.kill(.terminate)
        _ = try process.wait()
      }
    }
  }
}
