import Synchronization

/// What a fiber runs and what became of it: one object per fiber, shared by its handles and, while it lives, its record.
///
/// The end of a fiber is an operation: performers leave their offers here.
@usableFromInline
package class FiberBody: OperationSource, @unchecked Sendable {
  /// What the one closure that knows the type of the result is to do.
  @usableFromInline
  enum Task {
    /// Call the body and keep its result; returns the error it ended with.
    case run
    /// Destroy the body, which is not to run.
    case destroyBody
    /// Destroy the result.
    case destroyResult
  }

  @usableFromInline
  enum Status: UInt8 {
    case pending
    case completed
    case failed
    /// Ended, and nobody can ask how.
    case dropped
  }

  @usableFromInline package let record: FiberRef
  /// A closure without captures, formed where the type of the result is known: a virtual method of a generic class, its deinit
  /// included, would run unspecialised, at 100 ns a fiber.
  @usableFromInline let perform: (FiberBody, Task) -> (any Error)?
  private let lock = SpinLock()
  private let ended = Atomic<Bool>(false)
  private let cancellers = Atomic<UInt32>(0)
  @exclusivity(unchecked) private var joiners = WaitQueue()
  @exclusivity(unchecked) private var actions: [() -> Void] = []
  /// Written by the fiber alone until it has ended, read-only afterwards.
  @usableFromInline @exclusivity(unchecked) var status = Status.pending
  @usableFromInline @exclusivity(unchecked) var error: (any Error)?

  @usableFromInline
  init(record: FiberRef, perform: @escaping (FiberBody, Task) -> (any Error)?) {
    self.record = record
    self.perform = perform
    super.init(slotSize: 0, delivery: .fiber)
  }

  deinit {
    dropResult()
    FiberSlab.free(record)
  }

  /// Makes the end of a fiber whose body never runs; returns the error.
  @discardableResult
  func failUnstarted(_ error: any Error) -> (any Error)? {
    _ = perform(self, .destroyBody)
    self.error = error
    status = .failed
    return error
  }

  /// Destroys the result, if there is one: nobody is left to ask for it.
  func dropResult() {
    if status == .completed { _ = perform(self, .destroyResult) }
    status = .dropped
    error = nil
  }

  /// Whether the result is there.
  @usableFromInline
  package var isEnded: Bool { ended.load(ordering: .acquiring) }

  /// Publishes the result and wakes everybody who waits for it.
  func end() {
    lock.lock()
    ended.store(true, ordering: .releasing)
    joiners.wakeAll()
    let hasActions = !actions.isEmpty
    lock.unlock()
    if hasActions { runActions() }
    spin { self.cancellers.load(ordering: .acquiring) != 0 }
  }

  /// Nobody adds to them any more: the fiber has ended.
  @inline(never)
  private func runActions() {
    for action in actions { action() }
    actions = []
  }

  /// Calls `action`, which must not block, when the fiber has ended: on that fiber, or here if it has ended already.
  package func whenEnded(_ action: @escaping () -> Void) {
    lock.lock()
    if !isEnded {
      actions.append(action)
      return lock.unlock()
    }
    lock.unlock()
    action()
  }

  /// Cancels this fiber alone, unless it has ended.
  ///
  /// A fiber does not leave its home while somebody is about to cancel it; the lock is not held meanwhile, because an
  /// interrupted performer may need it to leave its offer.
  package func cancel() {
    lock.lock()
    let isAlive = !isEnded
    if isAlive { cancellers.add(1, ordering: .relaxed) }
    lock.unlock()
    guard isAlive else { return }
    record.cancelAlone()
    cancellers.subtract(1, ordering: .releasing)
  }

  override package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    if !attempt.enlists {
      guard isEnded else { return .pending }
      offer.win()
      return .committed
    }
    lock.lock()
    defer { lock.unlock() }
    guard isEnded else {
      joiners.enlist(offer, attempt)
      return .pending
    }
    guard offer.commits(attempt) else { return .lost }
    offer.win()
    return .committed
  }

  /// Waits for the end: what performing the operation does, without laying one out.
  ///
  /// False if the scope is cancelled first.
  @usableFromInline
  func join(_ me: FiberRef) -> Bool {
    if me.isCancelled { return false }
    if isEnded { return true }
    return withUnsafeTemporaryAllocation(of: Offer.self, capacity: 1) { offers in
      let offer = offers.baseAddress!
      offer.initialize(
        to: Offer(me, .passUnretained(self), argument: 0, index: 0, slot: UnsafeMutableRawPointer(offer)))
      me.beginEnlisting()
      if attempt(offer, .enlistAlone) == .committed {
        me.endEnlisting()
        return true
      }
      me.letChildrenGoFirst()
      me.parkUnlessCancelled(offer)
      if me.pointee.winner >= 0 { return true }
      withdraw(offer)
      return false
    }
  }

  override package func withdraw(_ offer: OfferRef) {
    lock.lock()
    joiners.remove(offer)
    lock.unlock()
  }

  override package var waitDescription: String { "the end of \(record.label)" }
}
