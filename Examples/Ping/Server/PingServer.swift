import Nursery

/// Answers every line "ping N" with "pong N", and hangs up on whoever says something else.
///
/// Guile Fibers' example of this name speaks a little of memcached's protocol; here the memcached server does that, and this is the
/// least that a client can check an answer by.
package func servePings(_ listener: TCPListener) throws {
  try withNursery("connections") { connections in
    for connection in listener {
      connections.goAsync {
        defer { connection.close() }
        do {
          try answerPings(connection)
        } catch is SystemError {
          // The client has reset the connection, which is its own affair.
        } catch is LineTooLongError {
          // No ping is that long.
        }
      }
    }
  }
}

private func answerPings(_ connection: TCPStream) throws {
  let reader = BufferedReader(connection, capacity: 512)
  var answer: [UInt8] = []
  while let isPing = try reader.withLine(
    limit: 64,
    { line in
      answer.removeAll(keepingCapacity: true)
      answer += "pong".utf8
      answer += line.dropFirst(4)
      answer.append(UInt8(ascii: "\n"))
      return line.starts(with: "ping ".utf8)
    }), isPing
  {
    try connection.writeAll(answer)
  }
}
