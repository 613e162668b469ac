/// Collects single calls and answers many of them by one request.
///
///     let names = Batcher<UserID, String>(in: nursery, upTo: 100, orAfter: .milliseconds(5)) { ids in
///       try database.names(of: ids)
///     }
///     let name = try names.call(id)
///
/// A batch is sent when it is full, or when the oldest call in it has waited for the delay, whichever is first. Batches
/// run in fibers of the nursery, at the same time if they take long. A call that is cancelled before its batch is sent
/// is left out.
public final class Batcher<Request: Sendable, Response: Sendable>: Sendable {
  private struct Call: Sendable {
    let request: Request
    let answer: Answer
    let nack: Nack
  }

  private final class Answer: Sendable {
    private let result = Protected<Result<Response, any Error>?>(nil)
    private let isThere = Condition()

    func set(_ result: Result<Response, any Error>) {
      self.result.withLock { $0 = result }
      isThere.signal()
    }

    var op: Op<Response> { isThere.waitOp().wrap { [self] in try result.withLock { $0! }.get() } }
  }

  /// Unbounded, so that a choice never waits before it begins.
  private let calls = Channel<Call>(.unbounded)
  private let count: Int
  private let delay: Duration
  private let send: @Sendable ([Request]) throws -> [Response]

  /// - Parameters:
  ///   - nursery: in which the batches run; use the object only while it is open. A daemon there collects them.
  ///   - count: how many calls a batch has at most, from 1.
  ///   - delay: how long the first call of a batch waits for others.
  ///   - send: makes the request; returns one response for each, in their order. Its error is the error of each call of
  ///     the batch.
  public init(
    in nursery: Nursery, upTo count: Int, orAfter delay: Duration,
    _ send: @escaping @Sendable ([Request]) throws -> [Response]
  ) {
    require(count >= 1, "Batcher(upTo: \(count)): a batch holds at least one call; write 1 or more")
    self.count = count
    self.delay = delay
    self.send = send
    nursery.goAsync("batcher", daemon: true) { [self] in
      while true {
        let batch = try collect()
        nursery.goAsync("batch") { [self] in answer(batch) }
      }
    }
  }

  /// Makes a call and waits for its response.
  ///
  /// A cancellation point.
  ///
  /// - Throws: what `send` throws; `BatchError` if it returns another number of responses than requests;
  ///   `CancellationError` if the current scope, or the nursery of the batches, is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func call(_ request: Request) throws -> Response { try callOp(request).perform() }

  /// The operation that makes a call and commits when its response is there.
  ///
  /// Each perform makes the call when it begins. If another branch commits before the batch is sent, the call is left
  /// out.
  public func callOp(_ request: Request) -> Op<Response> {
    .withNack { [calls] nack in
      let answer = Answer()
      try calls.send(Call(request: request, answer: answer, nack: nack))
      return answer.op
    }
  }

  private func collect() throws -> [Call] {
    var batch = [try calls.receive()]
    let end = FiberClock.now + delay
    while batch.count < count {
      guard let call = try choose(calls.receiveOp().wrap(Optional.some), sleepOp(until: end).wrap { nil }) else {
        break
      }
      batch.append(call)
    }
    return batch
  }

  private func answer(_ batch: [Call]) {
    let wanted = batch.filter { !$0.nack.isFired }
    if wanted.isEmpty { return }
    do {
      let responses = try send(wanted.map(\.request))
      guard responses.count == wanted.count else {
        throw BatchError(requests: wanted.count, responses: responses.count)
      }
      for (call, response) in zip(wanted, responses) { call.answer.set(.success(response)) }
    } catch {
      for call in wanted { call.answer.set(.failure(error)) }
    }
  }
}

/// A batch has got another number of responses than it has requests, so none can be told whose it is.
public struct BatchError: Error, Hashable, CustomStringConvertible {
  /// How many requests there were.
  public let requests: Int
  /// How many responses came.
  public let responses: Int

  /// "3 requests were sent and 2 responses came back; return one for each, in their order".
  public var description: String {
    "\(requests) requests were sent and \(responses) responses came back; return one for each, in their order"
  }
}
