import Synchronization

/// One perform of a blocking operation: a body on its way through the pool, and the source that commits when the body
/// has ended.
///
///             the performer parks            a thread takes it            the body has ended
///     idle <------------------------> queued -----------------> running ---------------------> ended
///             the performer goes on                             |     ^
///             without the call                         `onCancel` begins and returns
///
/// `offer` is set while the performer is parked. While another branch of its choice is tried again (`Gate`), it is not:
/// a queued call keeps its place meanwhile, unless its turn comes just then, and a running one runs on.
///
/// Three parties race: the thread that takes and ends the call, the performer, and what commits the performer.
/// - Beginning: the thread takes a call only if the performer is not committed, under the pool's lock. So a call that
///   was cancelled before its turn never runs, although the performer has not withdrawn it yet.
/// - Ending: the thread commits the performer. If the performer is already committed by a cancellation, it finds the
///   call running or ended, and this branch commits in spite of the cancellation (`outlastsCancellation`). If another
///   branch has won, the performer gives the call up (`giveUp`).
/// - Interrupting: the performer calls `onCancel` only while the call runs, and the thread ends the call only after
///   `onCancel` has returned. So `onCancel` never reaches what the thread does next.
class BlockingJob: OperationSource, @unchecked Sendable {
  enum State {
    case idle, queued, running, ended
  }

  /// When the performer commits; never for a call without a performer.
  enum Commitment {
    case atStart, atEnd, never
  }

  private let pool: BlockingPool
  let commitment: Commitment
  private let whenCancelled: WhenCancelled
  /// Touched by the performer only.
  @exclusivity(unchecked) private var onCancel: (() throws -> Void)?

  // Under the pool's lock from here on.
  @exclusivity(unchecked) var state = State.idle
  @exclusivity(unchecked) var offer: OfferRef?
  /// Signalled when `onCancel` has returned; nil while it is not being called.
  @exclusivity(unchecked) var interruption: Condition?
  /// Whether the performer was cancelled, or chose another branch, while the body ran.
  @exclusivity(unchecked) var isUnwanted = false
  /// Whether no performer takes the outcome.
  @exclusivity(unchecked) var isGivenUp = false
  /// Called with the error of an abandoned body; set when the outcome is left to the thread that runs it.
  @exclusivity(unchecked) var onAbandonedError: ((any Error) -> Void)?
  @exclusivity(unchecked) var observation = CallObservation()
  // Neighbours in the queue.
  @exclusivity(unchecked) var next: BlockingJob?
  @exclusivity(unchecked) unowned(unsafe) var previous: BlockingJob?

  fileprivate init(
    _ pool: BlockingPool, _ commitment: Commitment, _ whenCancelled: WhenCancelled, onCancel: (() throws -> Void)?
  ) {
    self.pool = pool
    self.commitment = commitment
    self.whenCancelled = whenCancelled
    self.onCancel = onCancel
    super.init(keepsAccount: true)
  }

  // What depends on the type of the value.

  /// Runs the body, lets go of what it has captured, and keeps the outcome.
  func run() {}
  /// Keeps an error in place of an outcome.
  func fail(_ error: SystemError) {}
  /// Hands on the outcome of a call without a performer.
  func complete() {}
  /// Lets go of the outcome; its error, if it has one that is not an ending.
  func dropOutcome() -> (any Error)? { nil }

  // MARK: As an operation

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    let performer = offer.pointee.performer
    if attempt.enlists {
      performer.expectOutside()
      if pool.enlist(self, offer, attempt) { return .pending }
      performer.endExpectation()
    } else if !pool.lock.withLock({ state == .ended }) {
      return .pending
    }
    guard offer.commits(attempt) else { return .lost }
    offer.win()
    return .committed
  }

  override func withdraw(_ offer: OfferRef) {
    pool.withdraw(self, offer)
    offer.pointee.performer.endExpectation()
  }

  /// A body that has begun and is waited for: the branch commits, and its value waits for the end.
  override var outlastsCancellation: Bool { whenCancelled == .awaits && pool.lock.withLock { state.hasBegun } }

  override class var kindDescription: String { "a blocking call" }
  override func waker(of offer: OfferRef) -> Waker { .call }

  // MARK: On the performer, after the perform

  /// Another branch has committed, or the perform was cancelled before the body began, or it abandons the body.
  func giveUp() {
    guard let isRunning = pool.giveUp(self) else { return }
    if isRunning { interrupt() }
    if isRunning, whenCancelled == .awaits { awaitEnd() }
    let handler = Scheduler.current?.settings.onSuppressedError ?? Scheduler.reportSuppressed
    let isEnded = pool.lock.withLock {
      if state != .ended { onAbandonedError = handler }
      return state == .ended
    }
    if isEnded, let error = dropOutcome() { handler(error) }
  }

  /// Waits for the end of the body if it runs still, because the performer was cancelled.
  fileprivate func finish() {
    if interruptsRunning() { awaitEnd() }
    onCancel = nil
  }

  /// As `finish`, from a task; suspends it.
  fileprivate nonisolated(nonsending) func finishInTask() async {
    // A task of its own, because this one is cancelled.
    if interruptsRunning() { _ = await Task { try await Op<Void>(self).perform() }.result }
    onCancel = nil
  }

  /// Interrupts the body if it runs still; whether it did.
  private func interruptsRunning() -> Bool {
    let isRunning = pool.lock.withLock {
      if state == .running { pool.markUnwanted(self) }
      return state == .running
    }
    if isRunning { interrupt() }
    return isRunning
  }

  private func interrupt() {
    guard let onCancel = onCancel.take() else { return }
    let interruption = Condition()
    let isRunning = pool.lock.withLock {
      if state == .running { self.interruption = interruption }
      return state == .running
    }
    guard isRunning else { return }
    do {
      try ScopeRef.shielding(onCancel)
    } catch {
      if !(error is CancellationError) { Scheduler.reportSuppressed(error) }
    }
    pool.lock.withLock { self.interruption = nil }
    interruption.signal()
  }

  private func awaitEnd() {
    // A shield cannot be cancelled, so this cannot throw.
    try! ScopeRef.shielding { try Op<Void>(self).perform() }
  }
}

extension BlockingJob.State {
  var hasBegun: Bool { self == .running || self == .ended }
}

/// A call with the type of its value.
final class BlockingCall<Value>: BlockingJob, @unchecked Sendable {
  /// Touched by the thread that runs it only.
  @exclusivity(unchecked) private var body: (() throws -> Value)?
  /// The performer's values of task-locals.
  @exclusivity(unchecked) private var taskLocals: TaskLocalValues?
  /// Touched by that thread, and by the performer after the end.
  @exclusivity(unchecked) private var outcome: Result<Value, any Error>?
  /// For a call without a performer.
  @exclusivity(unchecked) var completion: ((Result<Value, any Error>) -> Void)?

  init(
    _ pool: BlockingPool, _ commitment: Commitment, _ whenCancelled: WhenCancelled, onCancel: (() throws -> Void)?,
    _ body: @escaping () throws -> Value
  ) {
    self.body = body
    taskLocals = commitment == .never ? nil : .ofCaller
    super.init(pool, commitment, whenCancelled, onCancel: onCancel)
  }

  var op: Op<Value> { Op<Void>(self).onAbandon { self.giveUp() }.wrap { try self.value() } }

  /// After it has committed.
  func value() throws -> Value {
    finish()
    return try outcome.take()!.get()
  }

  /// As `value`, from a task.
  nonisolated(nonsending) func valueInTask() async throws -> Value {
    await finishInTask()
    return try outcome.take()!.get()
  }

  override func run() { outcome = runBody() }

  /// On its own, so that what the body captures is let go before the performer goes on.
  @inline(never)
  private func runBody() -> Result<Value, any Error> {
    let body = self.body.take()!
    guard let taskLocals = taskLocals.take() else { return Result { try body() } }
    return Result { try Performer.current().withTaskLocals(taskLocals, body) }
  }

  override func fail(_ error: SystemError) { outcome = .failure(error) }

  override func complete() { completion.take()?(outcome.take()!) }

  override func dropOutcome() -> (any Error)? {
    guard case .failure(let error) = outcome.take(), !(error is CancellationError) else { return nil }
    return error
  }
}

/// Jobs in the order they came, linked through themselves: removal in constant time.
struct BlockingQueue: ~Copyable {
  private var first: BlockingJob?
  private unowned(unsafe) var last: BlockingJob?
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ job: BlockingJob) {
    job.previous = last
    if let last { last.next = job } else { first = job }
    last = job
    job.state = .queued
    count += 1
  }

  mutating func remove(_ job: BlockingJob) {
    let next = job.next
    next?.previous = job.previous
    if next == nil { last = job.previous }
    if let previous = job.previous { previous.next = next } else { first = next }
    job.next = nil
    job.previous = nil
    job.state = .idle
    count -= 1
  }

  mutating func popFirst() -> BlockingJob? {
    guard let job = first else { return nil }
    remove(job)
    return job
  }
}
