/// Runs `body` on a thread of the blocking pool, while the calling fiber is parked (a plain thread sleeps), and returns what it returns.
///
/// For calls that block their thread: a C library, a database driver, a slow device. The fiber's worker runs others meanwhile. Of
/// the threads there is a bounded number (`BlockingPool.shared.limit`); calls beyond it wait for their turn, first come, first served.
///
/// A cancellation point. Cancelled before its turn, `body` never runs. Cancelled later, the call throws at once and `body` is
/// *abandoned*: it runs to its end, and its value or error is dropped then. What it captures lives until then, so let it own what it uses.
///
/// In `body` there is no fiber: `Fiber.current` is nil, fiber-locals have their defaults, and the caller's cancellation cannot be seen.
/// An operation performed there blocks the pool's thread, and `withNursery` opens a scheduler of its own.
///
/// - Throws: what `body` throws; `CancellationError` if the current scope is cancelled; `SystemError` if no thread can be had.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
@discardableResult
public func blocking<Value>(_ body: sending @escaping () throws -> Value) throws -> Value {
  try BlockingPool.shared.outcomeOp(body).perform().get()
}

/// The operation that runs `body` on a thread of the blocking pool, and commits when it has ended; see `blocking`.
///
/// Each perform runs `body` anew, and only once it has to wait: a choice that has something ready never runs it. A perform that commits
/// otherwise, or is cancelled, takes it out of the queue or, if it runs already, abandons it. A poll never commits.
public func blockingOp<Value>(_ body: @escaping @Sendable () throws -> Value) -> Op<Value> {
  BlockingPool.shared.callOp(body)
}

extension BlockingPool {
  /// The operation that runs `body` and commits when it has ended.
  package func callOp<Value>(_ body: @escaping () throws -> Value) -> Op<Value> {
    .guarded {
      let call = BlockingCall(self, body)
      return Op<Void>(call).onAbandon { call.abandon() }.wrap { try call.value() }
    }
  }

  /// As `callOp`, with the outcome as a value; for performs of this branch alone, and cheaper there.
  ///
  /// Beside a branch that is tried again (`Gate`), `body` would be given up and begin anew each time.
  @inlinable
  package func outcomeOp<Value>(_ body: @escaping () throws -> Value) -> Op<Result<Value, any Error>> {
    Op(BlockingOperation(self, commitsAtStart: false, body))
  }

  /// As `outcomeOp`, but good in any choice: it commits when `body` begins, so that what has begun is always waited for.
  ///
  /// For effects that nobody could tell of a cancelled call: if the perform throws `CancellationError`, `body` has not begun.
  @inlinable
  package func committedOutcomeOp<Value>(_ body: @escaping () throws -> Value) -> Op<Result<Value, any Error>> {
    Op(BlockingOperation(self, commitsAtStart: true, body))
  }
}

/// A source whose performs are jobs of a pool.
@usableFromInline
class BlockingSource: OperationSource, @unchecked Sendable {
  let pool: BlockingPool
  /// Whether a perform commits when its job begins, instead of when it ends.
  let commitsAtStart: Bool
  /// Runs the body and delivers its outcome to whoever waits; whether somebody did.
  ///
  /// Delivering may end the source's life, so the reference is not counted.
  let run: (Unmanaged<BlockingSource>, BlockingJob.Running) -> Bool

  @usableFromInline
  init(
    _ pool: BlockingPool, commitsAtStart: Bool, slotSize: Int,
    run: @escaping (Unmanaged<BlockingSource>, BlockingJob.Running) -> Bool
  ) {
    self.pool = pool
    self.commitsAtStart = commitsAtStart
    self.run = run
    super.init(slotSize: slotSize, keepsAccount: true)
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    if attempt.enlists { pool.submit(offer, attempt, self) }
    return .pending
  }

  override func withdraw(_ offer: OfferRef) { pool.withdraw(offer) }

  override func failure(_ verdict: Verdict, argument: UInt) -> any Error { pool.startError }

  override var waitDescription: String { "a blocking call" }
}

/// A body and the type of its value.
@usableFromInline
final class BlockingOperation<Value>: BlockingSource, @unchecked Sendable {
  @usableFromInline let body: () throws -> Value

  @inlinable
  init(_ pool: BlockingPool, commitsAtStart: Bool, _ body: @escaping () throws -> Value) {
    typealias Outcome = Result<Value, any Error>
    self.body = body
    super.init(pool, commitsAtStart: commitsAtStart, slotSize: Performance.slotSize(for: Outcome.self)) { source, job in
      // Moved, never copied: once the performer goes on, this thread holds nothing of the value any more.
      withUnsafeTemporaryAllocation(of: Outcome.self, capacity: 1) { memory in
        let outcome = memory.baseAddress!
        do {
          outcome.initialize(
            to: .success(
              try source._withUnsafeGuaranteedRef { try unsafeDowncast($0, to: BlockingOperation<Value>.self).body() }))
        } catch {
          outcome.initialize(to: .failure(error))
        }
        let isDelivered = job.deliver {
          $0.assumingMemoryBound(to: Outcome.self).moveInitialize(from: outcome, count: 1)
        }
        if !isDelivered { outcome.deinitialize(count: 1) }
        return isDelivered
      }
    }
  }
}
