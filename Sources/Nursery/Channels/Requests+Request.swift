import Synchronization

extension Requests {
  /// What a client has asked a server: taken from `Requests`, and replied to once.
  ///
  /// If the server drops it without a reply, the client gets a `NoReplyError`.
  public final class Request: Sendable {
    private let call: Call
    private let isAnswered = Atomic<Bool>(false)

    init(_ call: Call) {
      self.call = call
    }

    deinit {
      if !isAnswered.load(ordering: .relaxed) { call.finish(.failure(NoReplyError())) }
    }

    /// What the client wants.
    public var query: Query { call.query }

    /// Gives the client its reply.
    ///
    /// Never blocks. Traps if the request has been replied to.
    ///
    /// - Returns: false if the client has gone; then the reply is dropped.
    @discardableResult
    public func reply(_ reply: Reply) -> Bool { answer(.success(reply)) }

    /// Gives the client an error, which its call throws.
    ///
    /// Never blocks. Traps if the request has been replied to.
    ///
    /// - Returns: false if the client has gone; then the error is dropped.
    @discardableResult
    public func fail(_ error: any Error) -> Bool { answer(.failure(error)) }

    private func answer(_ result: Result<Reply, any Error>) -> Bool {
      let wasAnswered = isAnswered.exchange(true, ordering: .acquiringAndReleasing)
      require(!wasAnswered, "a Request is replied to twice; call reply(_:) or fail(_:) once")
      return call.finish(result)
    }

    /// Whether the client waits no longer: it has left, or has got its reply.
    public var isAbandoned: Bool { call.abandoned.isSignalled }

    /// The operation that commits when the client waits no longer.
    ///
    /// Choose it beside a long computation, to stop what no client wants any more.
    public func abandonedOp() -> Op<Void> { call.abandoned.waitOp() }
  }
}

/// A server has dropped a request without a reply.
public struct NoReplyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What happened, and what to write.
  public var description: String {
    "the server has dropped the request without a reply; call reply(_:) or fail(_:) on each Request"
  }
}

/// One call of a client, shared with the server that takes it.
final class RequestCall<Query: Sendable, Reply: Sendable>: @unchecked Sendable {
  let query: Query
  /// Signalled when the client's perform has ended.
  let abandoned = Condition()
  /// Written once, under the lock of the inbox, before a server can take the call.
  @exclusivity(unchecked) var client: Waiter<Result<Reply, any Error>>?

  init(_ query: Query) {
    self.query = query
  }

  /// Commits the client; false if it has gone.
  @discardableResult
  func finish(_ result: Result<Reply, any Error>) -> Bool { client?.commit(result) ?? false }
}
