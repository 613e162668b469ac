import CSwitch
import Synchronization

/// What a fiber runs and what became of it: one object per record, shared by the fiber's handles.
///
/// The end of a fiber is an operation: performers leave their offers here.
///
/// An object costs as much as two switches to make and to free, so the record keeps its own for the next fiber, unless
/// a handle holds it for a result that has to go when the last handle goes:
///
///     kept by the record -- spawned --> pending -- ends --> no handle is left --------------------------> kept, record free
///                                                    |----> held, the result is nothing but bits --> lent, until no handle is left
///                                                    +----> held, with a result or an error --> given away: its deinit frees both
///
/// The reference count says whether handles are left: one reference is the record's.
@usableFromInline
package final class FiberBody: OperationSource, @unchecked Sendable {
  /// What the one closure that knows the type of the result is to do.
  @usableFromInline
  enum Task {
    /// Call the body and keep its result, or its error.
    case run
    /// Destroy the body, which is not to run.
    case destroyBody
    /// Destroy the result.
    case destroyResult
    /// Put a copy of the result there.
    case copyResult(UnsafeMutableRawPointer)
  }

  @usableFromInline
  enum Status: UInt8 {
    case pending
    case completed
    case failed
    /// Ended; no handle is left to ask for the result.
    case dropped
  }

  @usableFromInline package let record: FiberRef
  /// A closure without captures, formed where the type of the result is known.
  @usableFromInline @exclusivity(unchecked) var perform: (FiberRef, Task) -> Void
  /// Set by the end.
  let latch = Latch(.kept)
  let cancellers = Atomic<UInt32>(0)
  /// Under the latch's lock.
  @exclusivity(unchecked) var actions: [() -> Void] = []
  /// Written by the fiber alone until it has ended, read-only afterwards.
  @usableFromInline @exclusivity(unchecked) var status = Status.pending
  @usableFromInline @exclusivity(unchecked) var error: (any Error)?
  /// Whether a result is nothing but bits, and can stay when no handle is left.
  @usableFromInline @exclusivity(unchecked) var isResultTrivial = true
  /// The address of what the closure captures, which the fiber owns until it has ended; for dumps.
  @usableFromInline @exclusivity(unchecked) var captures: UInt = 0

  init(record: FiberRef) {
    self.record = record
    perform = { _, _ in }
    super.init()
  }

  /// Runs for an object that was given away: the record goes with it.
  deinit {
    cs_notes_acquire(record)
    dropResult()
    record.pointee.body = nil
    FiberSlab.freeIfLast(record)
  }

  /// Makes the end of a fiber whose body never runs.
  @inline(never)
  func failUnstarted(_ error: any Error) {
    perform(record, .destroyBody)
    record.failBody(error)
  }

  /// Destroys the result, if there is one: no handle is left to ask for it.
  func dropResult() {
    if status == .completed, !isResultTrivial { perform(record, .destroyResult) }
    status = .dropped
    if error != nil { error = nil }
  }

  /// Whether the result is there.
  @usableFromInline
  package var isEnded: Bool { latch.isSet }

  // MARK: As a source: waiting for the end

  override package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    latch.attempt(offer, attempt)
  }

  override package func withdraw(_ offer: OfferRef) { latch.withdraw(offer) }

  override package func finish(_ verdict: Verdict, argument: UInt, into slot: UnsafeMutableRawPointer) throws {
    if let error { throw error }
    perform(record, .copyResult(slot))
  }

  override package var waitDescription: String { "the end of \(record.label)" }
  override package class var kindDescription: String { "the end of a fiber" }
  override package var dumpDescription: String { Self.kindDescription }
  override package var descriptionKey: UInt? { typeKey }
  override package func waker(of offer: OfferRef) -> Waker { .end(PerformerID(record)) }
}

extension FiberRef {
  /// Runs the body, unless it has lost its turn, and keeps the result.
  @inline(__always)
  func runBody() {
    let body = pointee.body.unsafelyUnwrapped
    if pointee.membership.permit == .revoked {
      return body._withUnsafeGuaranteedRef { $0.failUnstarted(CancellationError()) }
    }
    body._withUnsafeGuaranteedRef { $0.perform }(self, .run)
  }

  /// Publishes the result and wakes its waiters.
  ///
  /// In steps, each of which is small enough to be inlined.
  @inline(__always)
  func publishEnd(_ body: Unmanaged<FiberBody>) {
    body._withUnsafeGuaranteedRef { $0.latch.lock.lock() }
    let tasks = body._withUnsafeGuaranteedRef { $0.latch.setLocked() }
    let hasActions = body._withUnsafeGuaranteedRef { !$0.actions.isEmpty }
    body._withUnsafeGuaranteedRef { $0.latch.lock.unlock() }
    tasks.resume()
    if hasActions { body._withUnsafeGuaranteedRef { $0.runActions() } }
    if body._withUnsafeGuaranteedRef({ $0.cancellers.load(ordering: .acquiring) != 0 }) { waitForCancellers(body) }
  }

  @inline(never)
  private func waitForCancellers(_ body: Unmanaged<FiberBody>) {
    body._withUnsafeGuaranteedRef { body in spin { body.cancellers.load(ordering: .acquiring) != 0 } }
  }

  /// Notes that the body has returned: its result lies in the record.
  @usableFromInline
  func completeBody() {
    pointee.isScratchTaken = true
    pointee.body!._withUnsafeGuaranteedRef { $0.status = .completed }
  }

  /// Notes the error that the body has thrown.
  @usableFromInline
  func failBody(_ error: any Error) {
    pointee.body!._withUnsafeGuaranteedRef {
      $0.error = error
      $0.status = .failed
    }
  }

  /// The body for a new fiber of this record: the one it has kept, reset, or another.
  @inline(__always)
  func renewedBody() -> FiberBody {
    guard let kept = pointee.body else { return makeBody() }
    let body = kept.takeUnretainedValue()
    body.latch.reset()
    body.status = .pending
    return body
  }

  @inline(never)
  private func makeBody() -> FiberBody {
    pointee.worker.count(pointee.worker.pointee.counters.allocations)
    let body = FiberBody(record: self)
    pointee.body = .passRetained(body)
    return body
  }
}
