/// A point that a fixed number of fibers or threads reach before any of them goes on; it may be used again and again.
///
///     let barrier = Barrier(4)
///     for _ in 0..<4 {
///       nursery.goAsync { while let step = next() { compute(step); try barrier.wait() } }
///     }
///
/// If a wait is cancelled, the party does not come, and the others would wait for ever: the barrier is broken then, and
/// every wait, present and future, throws `BrokenBarrierError` until `reset()`.
///
/// Removing a waiter takes time linear in the number of parties.
public final class Barrier: @unchecked Sendable {
  /// How many parties meet.
  public let parties: Int
  private let lock = SpinLock(.queue)
  @exclusivity(unchecked) private var round = Round()
  @exclusivity(unchecked) private var waiters: [Waiter<Round>] = []
  /// The round that the lock's owner has ended; see `locked`.
  @exclusivity(unchecked) private var ended: Round?

  /// One meeting.
  ///
  /// A wait that has committed to it is part of it for good; one that has not may still go elsewhere.
  final class Round: @unchecked Sendable {
    /// Signalled when all have committed, or when the round is broken.
    let end = Condition("a Barrier")
    /// Under the barrier's lock; read after the end.
    @exclusivity(unchecked) var isBroken = false
    @exclusivity(unchecked) var committed = 0
  }

  /// One perform; touched by its performer alone.
  final class Visit {
    /// The round that it waits for, or has waited for; a `reset()` may have begun another one since.
    var round: Round?
    var hasCommitted = false
  }

  /// Creates a barrier.
  ///
  /// Traps if the number is not positive.
  public init(_ parties: Int) {
    require(
      parties > 0, "Barrier(\(parties)) has no party to wait for; write the number of fibers that meet, at least 1")
    self.parties = parties
  }

  /// Whether a cancellation has broken it.
  public var isBroken: Bool { locked { round.isBroken } }

  /// Waits until all parties wait.
  ///
  /// A cancellation point; a cancellation breaks the barrier.
  ///
  /// - Throws: `BrokenBarrierError` if another wait has been cancelled; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func wait() throws {
    let visit = Visit()
    do {
      try arrivalOp(visit).perform()
    } catch let error as CancellationError where !visit.hasCommitted {
      breakRound(visit.round)
      throw error
    }
  }

  /// The operation that commits when all parties have come.
  ///
  /// A branch that loses or times out leaves the barrier as it was, and the others wait on. A cancellation of the
  /// waiting performer breaks the barrier. In a scope that is cancelled already, a perform does not begin and breaks
  /// nothing; `wait()` does.
  ///
  /// If one of more than two parties leaves at the moment when all have come, others may have committed. A party that
  /// has committed waits for the missing ones without its timeout; a cancellation still breaks the barrier.
  public func waitOp() -> Op<Void> { .guarded { [self] in arrivalOp(Visit()) } }

  private func arrivalOp(_ visit: Visit) -> Op<Void> {
    Op(base: Arrival(barrier: self, visit: visit))
      .onAbandon { [self] in if Performer.isCancelled { breakRound(visit.round) } }
      .wrap { [self] round in
        visit.hasCommitted = true
        try finish(round)
      }
  }

  /// Makes a broken barrier whole again; parties that wait in its present round get `BrokenBarrierError`.
  ///
  /// Never blocks.
  public func reset() {
    locked {
      breakLocked()
      round = Round()
    }
  }

  /// After the commit: waits for parties that left at the moment when all had come.
  private func finish(_ round: Round) throws {
    if !round.end.isSignalled {
      do { try round.end.wait() } catch { try leave(round, error) }
    }
    if round.isBroken { throw BrokenBarrierError() }
  }

  /// Breaks the round for a cancelled party, and throws its error, unless all have met in the same instant.
  func leave(_ round: Round, _ error: any Error) throws {
    breakRound(round)
    if locked({ round.committed < parties }) { throw error }
  }

  /// Breaks a round, if it has not ended; the present one, if none is given.
  func breakRound(_ wanted: Round? = nil) {
    locked {
      if wanted == nil || wanted === round, !round.isBroken { breakLocked() }
    }
  }

  private func breakLocked() {
    round.isBroken = true
    ended = round
    commitWaiters()
  }

  /// Signals the end of a round after it has unlocked: the queue of that condition has a lock of the same rank.
  private func locked<Result>(_ body: () -> Result) -> Result {
    lock.lock()
    let result = body()
    let ended = ended
    self.ended = nil
    lock.unlock()
    ended?.end.signal()
    return result
  }

  private func commitWaiters() {
    for waiter in waiters where waiter.commit(round) { round.committed += 1 }
    waiters.removeAll(keepingCapacity: true)
  }

  /// Whether a newcomer may commit; if it fills the round, all waiters have committed then.
  ///
  /// The newcomer is the last to commit: a waiter may have committed elsewhere and not have withdrawn yet, and then the
  /// newcomer has to wait, with its timeout. Nothing waits in a broken round.
  private func admitsNewcomer() -> Bool {
    if round.isBroken { return true }
    guard round.committed + waiters.count + 1 >= parties else { return false }
    commitWaiters()
    return round.committed + 1 == parties
  }

  /// Ends the round with the newcomer, which has committed.
  private func complete() {
    if round.isBroken { return }
    round.committed += 1
    ended = round
    round = Round()
  }

  struct Arrival: OwnOperation {
    let barrier: Barrier
    let visit: Visit

    func poll() -> Round? {
      barrier.locked {
        guard barrier.admitsNewcomer() else { return nil }
        let round = barrier.round
        barrier.complete()
        return round
      }
    }

    func enlist(_ waiter: Waiter<Round>) {
      barrier.locked {
        visit.round = barrier.round
        if !barrier.admitsNewcomer() {
          barrier.waiters.append(waiter)
        } else if waiter.commit(barrier.round) {
          barrier.complete()
        }
      }
    }

    func withdraw(_ waiter: Waiter<Round>) { barrier.locked { barrier.waiters.removeAll { $0 == waiter } } }

    static var kindDescription: String { "a Barrier" }
    var waitDescription: String {
      barrier.locked { "a Barrier, \(barrier.round.committed + barrier.waiters.count) of \(barrier.parties) have come" }
    }
  }
}
