import Synchronization

/// Permits and the performers that wait for some: semaphores, locks and events are made of it.
///
/// First come, first served. No performer takes permits while another waits in front of it (no barging), and a request
/// is granted as a whole or not at all. A grant commits the waiter, so a cancelled waiter never owns a permit. If a
/// choice has I/O branches, each attempt of one that would block enlists all branches anew, so its waiters go to the
/// end.
///
///     waiters    ask for permits; the first one holds up those behind it
///     watchers   ask whether a number of permits is available; they take none, and hold up no other performer
///
/// Invariant, whenever the lock is free: the first waiter asks for more than is free, or it has committed elsewhere and
/// is about to withdraw. Hence every change of `free` and every removal calls `settle`.
///
/// While no performer waits, permits are taken and given back without the lock. The word says whether that is so:
///
///     word = 2 * free        open: an exchange takes or gives; no lock
///     word = 2 * free + 1    closed: only the holder of the lock changes it
///
///     open --locked, by its `or`--> closed --last waiter and watcher gone--> open
///
/// Invariant, whenever the lock is free: the word is closed if a performer waits. So no permits are taken past a waiter,
/// and none are given without settling: an exchange that follows the `or` fails, and goes the way of the lock; of one
/// that precedes it the holder of the lock reads the permits. Checked by `Tests/Models/permits.pml`.
///
/// It is in the core for speed: a contended wait allocates nothing, where a `BaseOperation` allocates an object, and a
/// waiter is removed in constant time.
@usableFromInline
package final class PermitQueue: OperationSource, @unchecked Sendable {
  private let lock = SpinLock(.queue)
  @usableFromInline let word: Atomic<Int>
  private let waiters = WaitQueue()
  private let watchers = WaitQueue()
  private let describe: (@Sendable (_ free: Int, _ waiting: Int) -> String)?
  private let kind: StaticString
  private let holder: (@Sendable () -> Waker)?

  /// - Parameters:
  ///   - kind: what a wait at any queue of this kind is called.
  ///   - describe: what a wait here is called in reports, if that is more than the kind.
  ///   - holder: the holder, where the permit is a lock that has one.
  package init(
    _ free: Int, _ kind: StaticString, describe: (@Sendable (_ free: Int, _ waiting: Int) -> String)? = nil,
    holder: (@Sendable () -> Waker)? = nil
  ) {
    word = Atomic(2 * free)
    self.kind = kind
    self.describe = describe
    self.holder = holder
    super.init(slotSize: 0)
  }

  // MARK: The word

  /// How many permits are free; changed by the holder of the lock, while the word is closed.
  private var free: Int {
    get { word.load(ordering: .relaxed) >> 1 }
    set { word.store(2 * newValue + 1, ordering: .relaxed) }
  }

  /// Takes the lock and closes the word.
  private func close() {
    lock.lock()
    word.bitwiseOr(1, ordering: .acquiringAndReleasing)
  }

  /// Releases the lock, and opens the word if no performer waits.
  private func open() {
    if waiters.isEmpty, watchers.isEmpty { word.store(2 * free, ordering: .releasing) }
    lock.unlock()
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    close()
    defer { open() }
    return body()
  }

  /// Changes the word if it is open and the change is possible.
  ///
  /// - Parameters:
  ///   - guess: what the word probably is. The exchange of a constant need not wait for a load: a third of what an
  ///     uncontended lock costs (`lock` of Tests/Benchmarks).
  ///   - change: the open word that is to be, in place of this one; nil if too few permits are free.
  @inlinable
  @inline(__always)
  func exchange(guess: Int? = nil, _ change: (_ word: Int) -> Int?) -> Bool {
    var seen = guess ?? word.load(ordering: .relaxed)
    while seen & 1 == 0, let new = change(seen) {
      let result = word.weakCompareExchange(expected: seen, desired: new, ordering: .acquiringAndReleasing)
      if result.exchanged { return true }
      seen = result.original
    }
    return false
  }

  // MARK: Taking

  /// Takes `count` permits if that needs no lock; false says nothing about them.
  @inlinable
  package func takeQuickly(_ count: Int) -> Bool { exchange { $0 >= 2 * count ? $0 &- 2 * count : nil } }

  /// Takes the only permit of a lock, if that needs no lock of the queue; false says nothing about it.
  @inlinable
  package func takeOnly() -> Bool { exchange(guess: 2) { $0 == 2 ? 0 : nil } }

  /// Takes `count` permits, and waits for them if necessary; `me` has entered the call, and was not cancelled then.
  ///
  /// - Throws: `CancellationError` if the scope is cancelled while it waits; then no permit has been taken.
  package func take(_ count: Int, by me: FiberRef) throws {
    if takeQuickly(count) { return }
    try wait(for: PermitRequest(count), me)
  }

  /// Waits until `count` permits could be taken without waiting, and takes none; otherwise as `take`.
  package func watch(for count: Int, by me: FiberRef) throws {
    let seen = word.load(ordering: .acquiring)
    if seen & 1 == 0, seen >> 1 >= count { return }
    try wait(for: PermitRequest(count, takesNone: true), me)
  }

  @inline(never)
  private func wait(for request: PermitRequest, _ me: FiberRef) throws {
    me.beginEnlisting()
    close()
    if free >= request.count, waiters.isEmpty {
      if !request.takesNone { free -= request.count }
      me.endEnlisting()
      return open()
    }
    me.ownOffer.pointee.argument = request.argument
    let slot = UnsafeMutableRawPointer(me.ownOffer)
    let verdict =
      request.takesNone
      ? me.wait(in: watchers, under: lock, for: .passUnretained(self), slot: slot)
      : me.wait(in: waiters, under: lock, for: .passUnretained(self), slot: slot)
    me.ownOffer.pointee.argument = 0
    guard verdict == .cancelled else { return }
    // The requests behind the one that has left may be smaller.
    locked { settle() }.resume()
    throw CancellationError()
  }

  /// The operation that takes `count` permits.
  package func takeOp(_ count: Int) -> Op<Void> { Op(self, argument: PermitRequest(count).argument) }

  /// The operation that commits when `count` permits could be taken without waiting; it takes none.
  package func availableOp(_ count: Int) -> Op<Void> {
    Op(self, argument: PermitRequest(count, takesNone: true).argument)
  }

  // MARK: Giving

  /// Gives `count` permits back, and grants what can be granted now.
  @inlinable
  package func give(_ count: Int) {
    if exchange({ $0 &+ 2 * count }) { return }
    giveToWaiters(count)
  }

  /// Gives the only permit of a lock back.
  @inlinable
  package func giveOnly() {
    if exchange(guess: 0, { $0 == 0 ? 2 : nil }) { return }
    giveToWaiters(1)
  }

  @usableFromInline
  @inline(never)
  func giveToWaiters(_ count: Int) {
    let tasks = locked {
      free += count
      return settle()
    }
    tasks.resume()
  }

  /// Sets the number of free permits, where no performer ever takes one.
  package func setFree(_ count: Int) { setFreeUnderLock(count).resume() }

  /// As `setFree`, for a caller that holds another lock.
  ///
  /// - Returns: the tasks that the caller resumes when it has unlocked.
  package func setFreeUnderLock(_ count: Int) -> WokenTasks { change { _ in count } }

  /// As `setFree`, unless more are free already.
  package func raiseFree(to count: Int) { change { max($0, count) }.resume() }

  private func change(_ change: (_ free: Int) -> Int) -> WokenTasks {
    if exchange({ 2 * change($0 >> 1) }) { return WokenTasks() }
    return locked {
      free = change(free)
      return settle()
    }
  }

  /// How many permits are free.
  package var freeCount: Int { word.load(ordering: .acquiring) >> 1 }

  /// How many requests wait.
  package var waitingCount: Int {
    lock.lock()
    defer { lock.unlock() }
    return waiters.count
  }

  /// Grants from the front as long as permits last, then wakes the watchers that have what they watch for.
  ///
  /// A watcher waits behind the waiters of other performers, but not behind those of its own choice.
  /// A single new owner runs next: that is the hand-over.
  ///
  /// - Returns: the tasks that the caller resumes when it has unlocked.
  private func settle() -> WokenTasks {
    var tasks = WokenTasks()
    var turn = Turn.next
    while let offer = nextGrant {
      let count = offer.permitRequest.count
      waiters.remove(offer)
      guard let performer = offer.commitFromOutside() else { continue }
      free -= count
      tasks.makeReady(performer, turn)
      turn = .last
    }
    var next = watchers.first
    while let offer = next {
      next = offer.pointee.next
      guard offer.permitRequest.count <= free, isFirst(offer.pointee.performer) else { continue }
      watchers.remove(offer)
      if let performer = offer.commitFromOutside() { tasks.makeReady(performer, .last) }
    }
    return tasks
  }

  /// The offer that is to be granted next: one of the first performer's, which are alternatives of one choice.
  private var nextGrant: OfferRef? {
    guard let first = waiters.first else { return nil }
    var next: OfferRef? = first
    while let offer = next, offer.pointee.performer == first.pointee.performer {
      if offer.permitRequest.count <= free { return offer }
      next = offer.pointee.next
    }
    return nil
  }

  /// Whether no other performer waits.
  private func isFirst(_ performer: FiberRef) -> Bool {
    var next = waiters.first
    while let offer = next, offer.pointee.performer == performer { next = offer.pointee.next }
    return next == nil
  }

  // MARK: OperationSource

  override package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    let request = offer.permitRequest
    close()
    defer { open() }
    guard request.count <= free, isFirst(offer.pointee.performer) else {
      guard attempt.enlists else { return .pending }
      if request.takesNone { watchers.enlist(offer, attempt) } else { waiters.enlist(offer, attempt) }
      return .pending
    }
    guard offer.commits(attempt) else { return .lost }
    if !request.takesNone { free -= request.count }
    offer.win()
    return .committed
  }

  override package func withdraw(_ offer: OfferRef) {
    let tasks = locked {
      if offer.permitRequest.takesNone {
        watchers.remove(offer)
        return WokenTasks()
      }
      waiters.remove(offer)
      return settle()
    }
    tasks.resume()
  }

  override package var waitDescription: String {
    describe?(freeCount, waitingCount) ?? kind.description
  }

  override package var dumpDescription: String { holder == nil ? waitDescription : kind.description }
  override package var waitKind: WaitKind { WaitKind(kind) }
  override package func waker(of offer: OfferRef) -> Waker { holder?() ?? .unknown }
}
