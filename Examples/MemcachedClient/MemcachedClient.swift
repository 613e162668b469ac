import Nursery

/// A connection to a memcached server, which any number of fibers share.
///
///     try withNursery { nursery in
///       let client = MemcachedClient(try TCPStream.connect(to: address), in: nursery)
///       try client.set("greeting", Array("hello".utf8))
///       let greeting = try client.getOp("greeting").orTimeout(after: .milliseconds(100)).perform()
///     }
///
/// Requests of different fibers are sent one after another, without waiting for answers. Requests that come together
/// are sent in one packet:
///
///     fiber ──┐                                                     ┌──> fiber
///     fiber ──┼──> [requests] ──> writer ──> [sent] ──> reader ─────┼──> fiber
///     fiber ──┘                     │                     ↑         └──> fiber
///                                   └──────> server ──────┘
///
/// Each request is an operation: it can be timed out, cancelled, or raced against others. The connection stays usable:
/// the reader also reads an answer that no caller waits for, and drops it with its request. If the caller gives up
/// before the request is written, it is not sent. If it gives up later, the server may have carried out the request;
/// that holds for every server.
package final class MemcachedClient: Sendable {
  private let nursery: Nursery
  private let input: any ReadableStream
  private let output: any WritableStream
  /// The requests that wait to be written.
  ///
  /// If it is full, the caller waits, so the number of callers bounds the memory.
  private let requests = Channel<Request>(.bounded(64))
  /// The requests that have been written and not yet been answered, in order.
  private let sent = Channel<Request>(.bounded(1024))
  /// The requests that the writer and the reader were handling when the connection ended.
  private let interrupted = Channel<Request>(.bounded(2))
  /// The largest value that the server may send, in bytes.
  private let valueLimit: Int

  /// Adopts a connection.
  ///
  /// Its fibers are daemons of the nursery, and close it at the end.
  package convenience init(_ stream: TCPStream, in nursery: Nursery) {
    self.init(reading: stream, writing: stream, in: nursery)
  }

  /// Adopts the two directions of a connection.
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

  /// Accepts no more requests; earlier ones are still answered.
  package func close() { requests.close() }

  // MARK: Requests

  /// The operation that sends a request and commits with its answer.
  ///
  /// The request is queued before the perform waits. If the queue is full, a fiber of the client waits in place of the
  /// caller, so that other branches of the caller's choice can commit.
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
      // The nursery has ended, and with it all callers that could wait.
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
      // About to wait for the server's answer, so send everything first.
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

  /// Handles a request that is in neither queue meanwhile; if that fails, its caller gets the error.
  private func keeping(_ request: Request, _ work: () throws -> Void) throws {
    do {
      try work()
    } catch {
      _ = try? interrupted.trySend(request)
      throw error
    }
  }
}

/// The connection is closed or broken; the request may or may not have been carried out.
package struct ConnectionLostError: Error, CustomStringConvertible {
  /// The error that broke it; nil if it was closed here.
  package let cause: (any Error)?

  package var description: String {
    "the connection to the memcached server is closed\(cause.map { ": \($0)" } ?? ""); connect again"
  }
}
