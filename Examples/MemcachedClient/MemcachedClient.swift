import Nursery

/// A connection to a memcached server, which any number of fibers share.
///
///     try withNursery { nursery in
///       let client = MemcachedClient(try TCPStream.connect(to: address), in: nursery)
///       try client.set("greeting", Array("hello".utf8))
///       let greeting = try client.getOp("greeting").orTimeout(after: .milliseconds(100)).perform()
///     }
///
/// Requests of different fibers go out one behind the other, without waiting for each other's answers, and the ones
/// that have come together go out in one packet:
///
///     fiber ──┐                                                     ┌──> fiber
///     fiber ──┼──> [requests] ──> writer ──> [sent] ──> reader ─────┼──> fiber
///     fiber ──┘                     │                     ↑         └──> fiber
///                                   └──────> server ──────┘
///
/// Each request is an operation: it can be timed out, cancelled, raced against others. The connection stays good: an
/// answer belongs to its request whether or not somebody still waits for it. The reader reads it all the same, and it
/// is thrown away with its request. A request whose caller has gone before it was written is not sent at all. One that
/// has been sent may have been carried out, although nobody has got the answer; that is so with every server.
package final class MemcachedClient: Sendable {
  private let nursery: Nursery
  private let input: any ReadableStream
  private let output: any WritableStream
  /// What waits to be written.
  ///
  /// Who finds it full waits, too, so memory is bounded by the number of callers.
  private let requests = Channel<Request>(.bounded(64))
  /// What has been written, in order, and not been answered.
  private let sent = Channel<Request>(.bounded(1024))
  /// What the writer and the reader were busy with when the connection ended.
  private let interrupted = Channel<Request>(.bounded(2))
  /// How long a value the server may send.
  private let valueLimit: Int

  /// Takes over a connection; the fibers that serve it are daemons of the nursery, and close it at the end.
  package convenience init(_ stream: TCPStream, in nursery: Nursery) {
    self.init(reading: stream, writing: stream, in: nursery)
  }

  /// Takes over the two directions of a connection.
  package init(
    reading input: any ReadableStream, writing output: any WritableStream, in nursery: Nursery,
    valueLimit: Int = 64 << 20
  ) {
    self.input = input
    self.output = output
    self.nursery = nursery
    self.valueLimit = valueLimit
    nursery.goAsync("memcached client", daemon: true) { self.run() }
  }

  /// Takes no more requests; those that have been made are still answered.
  package func close() { requests.close() }

  // MARK: Requests

  /// The operation that sends a request and commits with its answer.
  ///
  /// The request is queued before anything is waited for. Where the queue is full, a fiber of the client's waits in the
  /// caller's place: so the caller can do what else it has to choose from.
  func requestOp(_ text: @escaping () throws -> [UInt8]) -> Op<Answer> {
    .withNack { nack in
      let request = Request(try text(), nack)
      do {
        if try !self.requests.trySend(request) { self.queue(request) }
      } catch is ChannelClosedError {
        throw ConnectionLostError(cause: nil)
      }
      return request.replies.receiveOp().wrap { try $0.get() }
    }
  }

  private func queue(_ request: Request) {
    nursery.goAsync("memcached request", daemon: true) {
      do {
        try choose(self.requests.sendOp(request), request.nack.waitOp())
      } catch {
        request.reply(.failure(ConnectionLostError(cause: nil)))
      }
    }
  }

  // MARK: The connection

  private func run() {
    var cause: (any Error)?
    do {
      try withNursery("memcached connection") { connection in
        connection.goAsync("writer") { try self.write() }
        try self.read()
      }
    } catch is CancellationError {
      // The nursery has ended, and with it everybody who could have waited.
    } catch {
      cause = error
    }
    input.close()
    output.close()
    requests.close()
    sent.close()
    let failure = Result<Answer, any Error>.failure(ConnectionLostError(cause: cause))
    while let request = interrupted.tryReceive() ?? sent.tryReceive() ?? requests.tryReceive() {
      request.reply(failure)
    }
  }

  private func write() throws {
    let writer = BufferedWriter(output)
    for request in requests {
      try keeping(request) {
        if !request.nack.isFired { try write(request, writer) }
        if requests.count == 0 { try writer.flush() }
      }
    }
    try Fiber.checkCancellation()
    sent.close()
  }

  private func write(_ request: Request, _ writer: BufferedWriter) throws {
    if try !sent.trySend(request) {
      // A wait for the server to answer: so it must have got everything.
      try writer.flush()
      try sent.send(request)
    }
    try writer.write(request.text)
  }

  private func read() throws {
    let reader = BufferedReader(input)
    for request in sent {
      try keeping(request) { request.reply(try reader.readAnswer(valueLimit: valueLimit)) }
    }
    try Fiber.checkCancellation()
  }

  /// Works on a request that is in no queue meanwhile; whoever made it is told if that fails.
  private func keeping(_ request: Request, _ work: () throws -> Void) throws {
    do {
      try work()
    } catch {
      _ = try? interrupted.trySend(request)
      throw error
    }
  }
}

/// The connection is closed, or has broken; the request may have been carried out or not.
package struct ConnectionLostError: Error, CustomStringConvertible {
  /// What broke it; nil if it was closed here.
  package let cause: (any Error)?

  package var description: String {
    "the connection to the memcached server is closed\(cause.map { ": \($0)" } ?? ""); connect again"
  }
}
