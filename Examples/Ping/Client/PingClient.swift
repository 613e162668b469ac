import Nursery

/// Opens connections to a ping server, sends pings on each in turn, and checks every answer.
///
/// - Throws: `WrongAnswerError`; `ResolveError`; `SystemError` if a connection cannot be made or breaks.
package func sendPings(to host: String, port: UInt16, connections: Int, requests: Int) throws {
  try withNursery("connections") { nursery in
    for _ in 0..<connections {
      nursery.goAsync {
        let connection = try TCPStream.connect(host: host, port: port)
        defer { connection.close() }
        let reader = BufferedReader(connection, capacity: 512)
        for number in 0..<requests {
          try connection.writeAll("ping \(number)\n")
          let answer = try reader.readLine(limit: 64)
          if answer != "pong \(number)" { throw WrongAnswerError(answer: answer, number: number) }
        }
      }
    }
  }
}

/// The server's answer was not the expected pong.
package struct WrongAnswerError: Error, CustomStringConvertible {
  let answer: String?
  let number: Int

  package var description: String {
    let found = answer.map { "answered '\($0)'" } ?? "closed the connection"
    return "expected the answer 'pong \(number)', but the server \(found)"
  }
}
