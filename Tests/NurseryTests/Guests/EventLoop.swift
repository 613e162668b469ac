import Nursery

/// An event loop of others: runs what is posted, in its order, on the thread that calls `run`.
final class EventLoop: Sendable {
  private let calls = Channel<@Sendable () -> Void>(.unbounded)
  let turns = Counter()

  @Sendable func post(_ call: @escaping @Sendable () -> Void) throws {
    turns.add()
    _ = try calls.trySend(call)
  }

  /// Runs until it is closed, and to the end of what has been posted.
  func run() { while let call = try? calls.receive() { call() } }

  func close() { calls.close() }

  /// Runs fibers on this loop, which runs on the calling thread until they have ended.
  func host<Value: Sendable>(
    _ configuration: Configuration = Configuration(parallelism: 1),
    _ body: @escaping @Sendable (Nursery) throws -> Value
  ) throws -> Value {
    let result = Cell<Result<Value, any Error>?>(nil)
    try GuestRun(configuration, postingBy: post, body) {
      result.value = $0
      self.close()
    }
    run()
    return try result.value!.get()
  }
}
