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
    /// - Returns: false if the client has gone; then the reply is dropped. True if the client gets it. A client that
    ///   chooses beside I/O may leave just after a true, if its I/O is being tried at this moment.
    @discardableResult
    public func reply(_ reply: Reply) -> Bool { answer(.success(reply)) }

    /// Gives the client an error, which its call throws.
    ///
    /// Never blocks. Traps if the request has been replied to.
    ///
    /// - Returns: false if the client has gone; then the error is dropped. True if the client gets it. A client that
    ///   chooses beside I/O may leave just after a true, if its I/O is being tried at this moment.
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
///
///     new     the client has not waited yet
///     queued  no server has taken it
///     taken   a server has it
///     gone    the client has left, or the inbox was closed, before a server could take it
///
/// A client that chooses beside I/O may stop waiting and wait again: its call keeps its place and its server, and a
/// reply that comes meanwhile is kept for it.
final class RequestCall<Query: Sendable, Reply: Sendable>: @unchecked Sendable {
  enum Stage { case new, queued, taken, gone }

  let query: Query
  /// Signalled when the client's perform has ended.
  let abandoned = Condition()
  /// Under the lock of the inbox.
  @exclusivity(unchecked) var stage = Stage.new
  private let lock = SpinLock(.queue)
  /// The client's waiter, while it waits.
  @exclusivity(unchecked) private var client: Waiter<Result<Reply, any Error>>?
  /// Whether the client may wait again when it does not wait, because it chooses beside I/O.
  @exclusivity(unchecked) private var mayWaitAgain = false
  @exclusivity(unchecked) private var result: Result<Reply, any Error>?

  init(_ query: Query) {
    self.query = query
  }

  /// The reply that came while the client did not wait.
  var reply: Result<Reply, any Error>? { lock.withLock { result } }

  /// Commits the client, or keeps the result if the client may wait again; false if it has gone.
  @discardableResult
  func finish(_ result: Result<Reply, any Error>) -> Bool {
    lock.withLock {
      if client?.commit(result) == true { return true }
      if mayWaitAgain { self.result = result }
      return mayWaitAgain
    }
  }

  /// Commits the client with the reply that has come, or remembers that it waits.
  func enlist(_ waiter: Waiter<Result<Reply, any Error>>) {
    lock.withLock {
      mayWaitAgain = waiter.mayWaitAgain
      if let result { waiter.commit(result) } else { client = waiter }
    }
  }

  func withdraw() { lock.withLock { client = nil } }

  /// The client's perform has ended.
  func leave() {
    lock.withLock { mayWaitAgain = false }
    abandoned.signal()
  }
}
