import Nursery

/// Answers every line "ping N" with "pong N", and disconnects a client that sends anything else.
///
/// Guile Fibers' example of this name implements a small part of memcached's protocol. Here the memcached server does
/// that, and this is the simplest protocol with an answer to check.
///
/// When it is asked to drain, it accepts no further client, and closes each connection when the current ping has been
/// answered.
package func servePings(_ listener: TCPListener) throws {
  try listener.serve { connection in
    do {
      try answerPings(connection)
    } catch is SystemError {
      // The client has reset the connection.
    } catch is LineTooLongError {
      // A line of this length is no ping.
    }
  }
}

private func answerPings(_ connection: TCPStream) throws {
  let reader = BufferedReader(connection, capacity: 512)
  var answer: [UInt8] = []
  let hasMore: Op<Bool> = .biased([
    reader.parseOp(limit: .max) { bytes, isAtEnd -> (Bool, Int)? in
      bytes.isEmpty && !isAtEnd ? nil : (!bytes.isEmpty, 0)
    },
    drainingOp().wrap { false },
  ])
  while try reader.bufferedCount > 0 || hasMore.perform(),
    let isPing = try reader.withLine(
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
