import Nursery

/// Writes what one client is to see: the lines of the room, and what only this client is told.
///
/// Lines are collected while there are more of them, and sent before a wait.
struct Delivery: Sendable {
  private enum Event {
    case line(String)
    case clientHasLeft
    case roomIsClosed

    init(_ line: String?, end: Event) { self = line.map { .line($0) } ?? end }
  }

  private static let mostAtOnce = 8192

  let lines: Multicast<String>.Subscription
  let replies: Channel<String>
  let output: any WritableStream
  let patience: Duration

  /// Returns when the room is closed, or the client has left and `replies` is closed: after what came before.
  ///
  /// - Throws: `DroppedError` if the client is too slow; the stream's errors; `CancellationError`.
  func run() throws {
    let writer = BufferedWriter(output, capacity: Self.mostAtOnce)
    do {
      try write(to: writer)
    } catch let error as LaggedError {
      // The client has been slow, and has just made room again: it can be told.
      let behind = try error.missed + linesLeft()
      try within(behind) {
        try writer.write("! you are \(behind) lines behind, because you read too slowly; goodbye\n")
        try writer.flush()
      }
      throw DroppedError(linesBehind: behind)
    }
  }

  private func write(to writer: BufferedWriter) throws {
    let next: Op<Event> = .choice([
      lines.nextOp().wrap { Event($0, end: .roomIsClosed) }, replies.nextOp().wrap { Event($0, end: .clientHasLeft) },
    ])
    while true {
      var event: Event? = try next.perform()
      while case .line(let line) = event {
        try within { try writer.write("\(line)\n") }
        event = writer.bufferedCount < Self.mostAtOnce / 2 ? try next.poll() : nil
      }
      if let event { return try finish(after: event, writer) }
      try within { try writer.flush() }
    }
  }

  /// Writes what the source that has not ended still holds.
  private func finish(after event: Event, _ writer: BufferedWriter) throws {
    while let reply = replies.tryReceive() { try within { try writer.write("\(reply)\n") } }
    if case .clientHasLeft = event {
      while case .some(let line?) = try lines.nextOp().poll() { try within { try writer.write("\(line)\n") } }
    } else {
      try within { try writer.write("* the server is ending; goodbye\n") }
    }
    try within { try writer.flush() }
  }

  // MARK: Slow clients

  /// Calls `body`, which writes, and waits for the client no longer than the patience allows.
  ///
  /// - Throws: `DroppedError` if that is over.
  private func within(_ behind: Int? = nil, _ body: () throws -> Void) throws {
    if try withTimeoutOrNil(patience, body) == nil { throw DroppedError(linesBehind: try behind ?? linesLeft()) }
  }

  /// How many lines the client has not been sent; takes them.
  private func linesLeft() throws -> Int {
    var count = 0
    while true {
      do {
        guard case .some(.some) = try lines.nextOp().poll() else { return count }
        count += 1
      } catch let error as LaggedError {
        count += error.missed
      }
    }
  }
}

/// A client has been disconnected because it reads too slowly.
package struct DroppedError: Error, CustomStringConvertible {
  package let linesBehind: Int

  package var description: String { "dropped, because it read too slowly and was \(linesBehind) lines behind" }
}
