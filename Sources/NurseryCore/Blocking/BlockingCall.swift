import Synchronization

/// One perform of `blockingOp`: starts its job when it first has to wait, and keeps it while other branches are tried again.
///
/// `blocking { }` itself needs none of this: its perform has no other branches (`BlockingOperation`).
final class BlockingCall<Value>: OperationSource, @unchecked Sendable {
  private let pool: BlockingPool
  private let outcome: BlockingOutcome<Value>
  /// Touched by the performer only.
  @exclusivity(unchecked) private var job: BlockingJob?

  init(_ pool: BlockingPool, _ body: @escaping () throws -> Value) {
    self.pool = pool
    outcome = BlockingOutcome(body)
    super.init(slotSize: 0, keepsAccount: true)
  }

  /// After it has committed.
  func value() throws -> Value { try outcome.take() }

  /// Nobody waits for the outcome any more.
  func abandon() {
    if let job { pool.abandon(job) }
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    guard attempt.enlists else { return outcome.attempt(offer, attempt) }
    offer.pointee.performer.expectOutside()
    pool.lend(offer.pointee.performer, 1)
    let answer = outcome.attempt(offer, attempt)
    if answer != .pending { return cease(offer, answer) }
    if job == nil {
      job = pool.start(orElse: outcome.fail) { [outcome] in
        outcome.run()
        return outcome.tell
      }
    }
    return .pending
  }

  override func withdraw(_ offer: OfferRef) {
    outcome.withdraw(offer)
    _ = cease(offer, .lost)
  }

  private func cease(_ offer: OfferRef, _ answer: Answer) -> Answer {
    pool.lend(offer.pointee.performer, -1)
    offer.pointee.performer.endExpectation()
    return answer
  }

  override var waitDescription: String { "a blocking call" }
}

/// What becomes of a body: where its thread leaves the outcome for the performer to find.
private final class BlockingOutcome<Value>: @unchecked Sendable {
  private let lock = SpinLock(.pool)
  @exclusivity(unchecked) private var waiters = WaitQueue()
  @exclusivity(unchecked) private var isTold = false
  /// Touched by the thread that runs it only.
  @exclusivity(unchecked) private var body: (() throws -> Value)?
  /// Touched by that thread, and after it has told by the performer.
  @exclusivity(unchecked) private var result: Result<Value, any Error>?

  init(_ body: @escaping () throws -> Value) { self.body = body }

  func run() { result = runBody() }

  /// On its own, so that what the body captures is let go before the performer goes on.
  @inline(never)
  private func runBody() -> Result<Value, any Error> {
    let body = self.body.take()!
    return Result { try body() }
  }

  func fail(_ error: SystemError) {
    result = .failure(error)
    tell()
  }

  func tell() {
    lock.lock()
    isTold = true
    waiters.wakeAll()
    lock.unlock()
  }

  func take() throws -> Value { try result.take()!.get() }

  func attempt(_ offer: OfferRef, _ attempt: OperationSource.Attempt) -> OperationSource.Answer {
    lock.lock()
    defer { lock.unlock() }
    guard isTold else {
      if attempt.enlists { waiters.enlist(offer, attempt) }
      return .pending
    }
    guard offer.commits(attempt) else { return .lost }
    offer.win()
    return .committed
  }

  func withdraw(_ offer: OfferRef) {
    lock.lock()
    waiters.remove(offer)
    lock.unlock()
  }
}
