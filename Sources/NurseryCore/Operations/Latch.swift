import Synchronization

/// Something that becomes true once, and the performers that wait for it: a condition's signal, a fiber's end.
struct Latch: ~Copyable {
  let lock = SpinLock(.queue)
  private let mark = Atomic<Bool>(false)
  private let waiters = WaitQueue()
  /// How waiters commit.
  private let verdict: Verdict

  init(_ verdict: Verdict = .value) {
    self.verdict = verdict
  }

  /// Whether it has become true; then all that was written before `set` can be read.
  var isSet: Bool { mark.load(ordering: .acquiring) }

  /// Makes it true and wakes all waiters.
  func set() {
    lock.lock()
    let tasks = setLocked()
    lock.unlock()
    tasks.resume()
  }

  /// As `set`, for a caller that holds another lock.
  func setUnderLock() { lock.withLock { setLocked() }.resumeElsewhere() }

  /// As `set`; called with the lock held.
  ///
  /// - Returns: the tasks that the caller resumes when it has unlocked.
  @inline(__always)
  func setLocked() -> WokenTasks {
    mark.store(true, ordering: .releasing)
    return waiters.wakeAll(verdict)
  }

  /// Makes it untrue again; nothing else refers to it.
  func reset() { mark.store(false, ordering: .relaxed) }

  /// What `OperationSource.attempt` does where this is all there is to wait for.
  func attempt(_ offer: OfferRef, _ attempt: OperationSource.Attempt) -> OperationSource.Answer {
    if !attempt.enlists {
      guard isSet else { return .pending }
      offer.win(verdict)
      return .committed
    }
    return lock.withLock {
      guard isSet else {
        waiters.enlist(offer, attempt)
        return .pending
      }
      guard offer.commits(attempt) else { return .lost }
      offer.win(verdict)
      return .committed
    }
  }

  func withdraw(_ offer: OfferRef) { lock.withLock { waiters.remove(offer) } }

  /// Waits until it is true, as a perform of the source would; false if the scope is cancelled first.
  @inline(__always)
  func wait(_ me: FiberRef, for source: Unmanaged<OperationSource>) -> Bool {
    me.beginEnlisting()
    lock.lock()
    if isSet {
      me.endEnlisting()
      lock.unlock()
      return true
    }
    return me.wait(in: waiters, under: lock, for: source, slot: UnsafeMutableRawPointer(me)) != .cancelled
  }
}
