/// The inbox of a server: clients ask, and each waits for its own reply.
///
///     let lookups = Requests<String, Address>()
///     nursery.goAsync { while let request = try lookups.next() { request.reply(table[request.query]) } }
///     let address = try lookups.askOp("host").orTimeout(after: .seconds(1)).perform()
///
/// A client commits when it gets its reply. If it leaves before, because it is cancelled, its time is over or another
/// branch has won, the server learns that: the request is gone if the server has not taken it, and otherwise
/// `abandonedOp()` is ready (a negative acknowledgement; Reppy, PLDI 1991).
public final class Requests<Query: Sendable, Reply: Sendable>: @unchecked Sendable {
  private let lock = SpinLock(.object)
  @exclusivity(unchecked) private var isClosed = false
  /// Those that no server has taken.
  private let calls = Ring<Call>()
  private let servers = Ring<Waiter<Call?>>()

  typealias Call = RequestCall<Query, Reply>

  /// Creates an open inbox.
  public init() {}

  /// How many requests wait for a server.
  public var waitingCount: Int { locked { calls.count } }

  /// Fails the requests that no server has taken, and later ones, with `ChannelClosedError`; `next()` returns nil.
  ///
  /// Requests that a server has taken can still be replied to. Never blocks; closing again does nothing.
  public func close() {
    locked {
      isClosed = true
      while let call = calls.popFirst() {
        call.stage = .gone
        call.finish(.failure(ChannelClosedError()))
      }
      while let server = servers.popFirst() { server.commit(nil) }
    }
  }

  // MARK: Clients

  /// Sends the query to a server, waits for its reply and returns it.
  ///
  /// A cancellation point.
  ///
  /// - Throws: the error that the server replies with; `ChannelClosedError` when the inbox is or gets closed;
  ///   `NoReplyError` if the server drops the request; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func ask(_ query: Query) throws -> Reply { try askOp(query).perform() }

  /// The operation that sends the query and commits when the reply has come; its value or error is the server's.
  ///
  /// Each perform asks anew. A server may take the request of a branch that loses later.
  public func askOp(_ query: Query) -> Op<Reply> {
    .guarded { [self] in
      let call = Call(query)
      return Op(base: Asking(inbox: self, call: call))
        .onAbandon { [self] in leave(call) }
        .wrap { [self] result in
          leave(call)
          return try result.get()
        }
    }
  }

  /// The client's perform has ended.
  private func leave(_ call: Call) {
    locked {
      if call.stage == .queued { calls.removeAll { $0 === call } }
      if call.stage != .taken { call.stage = .gone }
    }
    call.leave()
  }

  // MARK: Servers

  /// Waits for the next request; nil when the inbox is closed.
  ///
  /// Requests come in the order they were made. A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled: then no request has been taken.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func next() throws -> Request? { try nextOp().perform() }

  /// The operation that takes the next request; its value is nil when the inbox is closed.
  public func nextOp() -> Op<Request?> { Op(base: Serving(inbox: self)).wrap { $0.map { Request($0) } } }

  private func locked<Result>(_ body: () -> Result) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return body()
  }

  private struct Asking: OwnOperation {
    let inbox: Requests
    let call: Call

    /// The call is posted when its client waits, so the first poll finds no reply.
    func poll() -> Result<Reply, any Error>? {
      if let reply = call.reply { return reply }
      return inbox.locked { inbox.isClosed && call.stage == .new } ? .failure(ChannelClosedError()) : nil
    }

    func enlist(_ waiter: Waiter<Result<Reply, any Error>>) {
      inbox.locked {
        call.enlist(waiter)
        guard call.stage == .new else { return }
        guard !inbox.isClosed else {
          call.stage = .gone
          call.finish(.failure(ChannelClosedError()))
          return
        }
        call.stage = .taken
        while let server = inbox.servers.popFirst() {
          if server.commit(call) { return }
        }
        call.stage = .queued
        inbox.calls.append(call)
      }
    }

    /// The call keeps its place, because its client may wait again; `leave` removes it.
    func withdraw(_ waiter: Waiter<Result<Reply, any Error>>) { call.withdraw() }

    static var kindDescription: String { "a reply of a server to a \(Query.self)" }
  }

  private struct Serving: OwnOperation {
    let inbox: Requests

    func poll() -> Call?? {
      inbox.locked {
        if let call = inbox.calls.popFirst() {
          call.stage = .taken
          return .some(call)
        }
        return inbox.isClosed ? .some(nil) : nil
      }
    }

    func enlist(_ waiter: Waiter<Call?>) {
      inbox.locked { () -> Void in
        if let call = inbox.calls.first {
          guard waiter.commit(call) else { return }
          call.stage = .taken
          _ = inbox.calls.popFirst()
        } else if inbox.isClosed {
          waiter.commit(nil)
        } else {
          inbox.servers.append(waiter)
        }
      }
    }

    func withdraw(_ waiter: Waiter<Call?>) { inbox.locked { inbox.servers.removeAll { $0 == waiter } } }

    static var kindDescription: String { "a request with a \(Query.self)" }
  }
}
