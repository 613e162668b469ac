import Nursery

/// Passes each line of a client on to all clients, in the same order for all.
///
/// Two fibers for each client: one reads its lines, the other writes what it is to see. So a client that does not read
/// holds up no other one. It gets the lines that are kept for it, is told how far it is behind, and is dropped.
package struct ChatServer: Sendable {
  private let options: ChatOptions
  private let room: Room
  private let report: @Sendable (String) -> Void

  /// Creates a server with an empty room; `report` is called for every client that is dropped.
  package init(_ options: ChatOptions = ChatOptions(), report: @escaping @Sendable (String) -> Void) {
    self.options = options
    room = Room(options)
    self.report = report
  }

  /// Serves all clients, until the listener is closed or the scope is cancelled.
  ///
  /// When it is asked to drain, it accepts no further client, tells all that it ends, and returns when they have been
  /// sent all lines.
  package func serve(_ listener: TCPListener) throws {
    try withRoom {
      try listener.serve(onError: { report("\($1.remoteAddress): \($0)") }) { try serve($0, $0) }
    }
  }

  /// Calls `body`, which serves clients; closes the room when an enclosing nursery drains.
  package func withRoom(_ body: () throws -> Void) throws {
    try withNursery { nursery in
      nursery.goAsync("the end of the room", daemon: true) {
        try drainingOp().perform()
        room.close()
      }
      try body()
    }
  }

  /// Serves one client, until it leaves or the room is closed.
  ///
  /// - Throws: `DroppedError` if it reads too slowly; `CancellationError`.
  package func serve(_ input: any ReadableStream, _ output: any WritableStream) throws {
    do {
      try converse(input, output)
    } catch let error as RoomFullError {
      _ = try withTimeoutOrNil(options.patience) { try output.writeAll("! \(error)\n") }
    } catch is SystemError {
      // The client has broken the connection; that is no error of the server.
    }
  }

  private func converse(_ input: any ReadableStream, _ output: any WritableStream) throws {
    let replies = Channel<String>(.bounded(4))
    var session = try Session(room, options, input, replies)
    defer { room.leave(session.name) }
    let delivery = Delivery(lines: room.subscribe(), replies: replies, output: output, patience: options.patience)
    try withNursery { nursery in
      nursery.goAsync("delivery") {
        try delivery.run()
        nursery.cancel("nothing is left to be delivered")
      }
      defer { replies.close() }
      do {
        try session.run()
      } catch is ChannelClosedError {
        // The room is closed, which the delivery tells the client.
      }
    }
  }
}
