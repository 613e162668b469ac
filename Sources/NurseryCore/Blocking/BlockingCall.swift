import Synchronization

/// One perform of `blockingOp`: starts its job when it first has to wait, and keeps it while other branches are tried again.
///
/// `blocking { }` itself needs none of this: its perform has no other branches (`BlockingOperation`).
///
/// (Not internal: of an internal subclass some compilers, Swift 6.3.1, warn of a recursion that is not there.)
package final class BlockingCall<Value>: AttemptOperation<Value>, @unchecked Sendable {
  private let pool: BlockingPool
  private let outcome: BlockingOutcome<Value>
  /// Touched by the performer only.
  @exclusivity(unchecked) private var job: BlockingJob?

  init(_ pool: BlockingPool, _ body: @escaping () throws -> Value) {
    self.pool = pool
    let outcome = BlockingOutcome(body)
    self.outcome = outcome
    super.init(outcome.gate, of: outcome, "a blocking call") { try outcome.take() }
  }

  override package func willWait(_ performer: FiberRef) {
    performer.pointee.worker.pointee.scheduler?._withUnsafeGuaranteedRef { $0.expectOutside() }
    pool.lend(performer, 1)
    if job == nil {
      let outcome = outcome
      job = pool.start(orElse: outcome.fail) {
        outcome.run()
        return { outcome.gate.signal() }
      }
    }
  }

  override package func hasWaited(_ performer: FiberRef) {
    pool.lend(performer, -1)
    performer.pointee.worker.pointee.scheduler?._withUnsafeGuaranteedRef { $0.endExpectation() }
  }

  /// Nobody waits for the outcome any more.
  func abandon() {
    if let job { pool.abandon(job) }
  }
}

/// What becomes of a body: where its thread leaves the outcome for the performer to find.
private final class BlockingOutcome<Value>: @unchecked Sendable {
  let gate: GateRef
  private let lock = SpinLock()
  /// Touched by the thread that runs it only.
  @exclusivity(unchecked) private var body: (() throws -> Value)?
  @exclusivity(unchecked) private var result: Result<Value, any Error>?

  init(_ body: @escaping () throws -> Value) {
    self.body = body
    gate = .allocate(capacity: 1)
    gate.initialize(to: Gate())
  }

  deinit {
    gate.deinitialize(count: 1)
    gate.deallocate()
  }

  func run() { put(runBody()) }

  /// On its own, so that what the body captures is let go before the performer goes on.
  @inline(never)
  private func runBody() -> Result<Value, any Error> {
    let body = self.body.take()!
    return Result { try body() }
  }

  func fail(_ error: SystemError) {
    put(.failure(error))
    gate.signal()
  }

  private func put(_ result: consuming Result<Value, any Error>) {
    lock.lock()
    self.result = consume result
    lock.unlock()
  }

  func take() throws -> Value? {
    lock.lock()
    let result = self.result.take()
    lock.unlock()
    return try result?.get()
  }
}
