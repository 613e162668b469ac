import Synchronization

/// One body that is to run once on a thread of the pool: for a perform, or for nobody in particular.
///
///                taken by a thread                its body ends
///     queued --------------------------> running --------------> delivered
///       |                                   |
///       | withdrawn, or its perform         | withdrawn, or its perform
///       | found to have committed           | found to have committed
///       v                                   v
///     dropped, never runs               abandoned: runs on, its outcome is dropped
///
/// Invariants. (1) `offer` is set while the perform may still want the outcome; it is set to nil once, under the pool's lock, by
/// whoever ends that: the performer, or the thread that delivers. So an offer is never touched after its perform has returned. (2) A
/// perform that commits at the start has been committed by the thread that took the job, so nothing else can end it any more, and
/// the thread owes it the outcome.
@usableFromInline
package final class BlockingJob: @unchecked Sendable {
  let source: BlockingSource
  @exclusivity(unchecked) var offer: OfferRef?
  /// Called instead of the body if no thread can be had for a job without an offer.
  let orElse: ((SystemError) -> Void)?
  /// Set when a job without an offer has been given up, or has ended.
  @exclusivity(unchecked) var isOver = false
  /// Its neighbours in the queue.
  @exclusivity(unchecked) var next: BlockingJob?
  @exclusivity(unchecked) unowned(unsafe) var previous: BlockingJob?
  @exclusivity(unchecked) var isQueued = false

  init(_ source: BlockingSource, _ offer: OfferRef?, orElse: ((SystemError) -> Void)? = nil) {
    self.source = source
    self.offer = offer
    self.orElse = orElse
  }

  /// A job in the hands of the thread that runs it; to be delivered once.
  @usableFromInline
  struct Running {
    fileprivate let job: Unmanaged<BlockingJob>

    /// Counts a reference, which `deliver` gives up.
    init(_ job: BlockingJob) { self.job = .passRetained(job) }

    /// Whether somebody has waited for it; then the thread has been counted as arriving.
    ///
    /// The body may be gone before this returns.
    func run() -> Bool {
      let (source, run) = job._withUnsafeGuaranteedRef { (Unmanaged.passUnretained($0.source), $0.source.run) }
      return run(source, self)
    }

    /// Hands the outcome over by `move`, which is given the performer's slot, and wakes the performer; false if nobody wants it any more.
    ///
    /// The last thing that is done with a job: what it captured is let go before the performer goes on, so that whatever the caller has
    /// lent is its own again.
    @usableFromInline
    func deliver(_ move: (UnsafeMutableRawPointer) -> Void) -> Bool {
      guard let offer = job._withUnsafeGuaranteedRef({ $0.source.pool.claim($0) }) else {
        job.release()
        return false
      }
      move(offer.pointee.slot)
      job.release()
      offer.win()
      offer.pointee.performer.makeReady()
      return true
    }

    /// Ends a job without an offer.
    func finish() {
      job._withUnsafeGuaranteedRef { $0.source.pool.finish($0) }
      job.release()
    }
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
    job.isQueued = true
    if let last { last.next = job } else { first = job }
    last = job
    count += 1
  }

  mutating func remove(_ job: BlockingJob) {
    let next = job.next
    next?.previous = job.previous
    if next == nil { last = job.previous }
    if let previous = job.previous { previous.next = next } else { first = next }
    job.next = nil
    job.previous = nil
    job.isQueued = false
    count -= 1
  }

  mutating func popFirst() -> BlockingJob? {
    guard let job = first else { return nil }
    remove(job)
    return job
  }
}
