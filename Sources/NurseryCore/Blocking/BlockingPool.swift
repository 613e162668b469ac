import Synchronization

/// The threads on which `blocking { }` runs what blocks: few, started when needed, gone when idle.
///
/// A thread takes the oldest call, runs it, commits its performer, and takes the next; if there is none it sleeps, and
/// ends after ten seconds of it. A performer that submits a call notifies at most one thread, and none while one is on
/// its way to the queue (it has been notified, or has just ended a call): that one takes what there is and, if
/// something is left, notifies the next. So a burst of short calls is served by as many threads as it takes, one
/// caller's calls by one thread, and a thread that finds the next call waiting costs no notification at all.
///
/// Invariant: if a call is queued, then a thread is on its way to the queue (`arriving`), or as many threads as the
/// limit allows are busy; each of them looks at the queue when its call ends.
///
/// A thread whose call itself waits for the pool lends its place, so the pool cannot wait for itself.
public final class BlockingPool: @unchecked Sendable {
  /// The pool of the process.
  ///
  /// By default it has up to 64 threads, or four for each processor if that is more. They mostly sleep in the kernel,
  /// so they do not compete for processors. The limit bounds memory, and is generous: a few lookups of names that no
  /// server knows, which may take half a minute each, do not hold up access to files.
  public static let shared = BlockingPool(limit: max(64, 4 * System.processorCount))

  /// Set once the shared pool has a thread; the deadlock detector must then count its idle threads.
  static let sharedHasThreads = Atomic<Bool>(false)

  let lock = SpinLock(.pool)
  @exclusivity(unchecked) var queue = BlockingQueue()
  @exclusivity(unchecked) var threadLimit: Int
  /// How many threads there are, those being started included.
  @exclusivity(unchecked) var threadCount = 0
  /// Threads that sleep, the last to fall asleep at the end: it is notified first, so the others can end.
  @exclusivity(unchecked) var idle: [WorkerRef] = []
  /// How often `idle` has changed.
  @exclusivity(unchecked) var idleChanges = 0
  /// How many threads are on their way to the queue: notified or started, or done with a call.
  @exclusivity(unchecked) var arriving = 0
  /// How many threads of the pool wait for the pool itself, and are not counted against the limit.
  @exclusivity(unchecked) var lent = 0
  @exclusivity(unchecked) var runningCount = 0
  @exclusivity(unchecked) var completedCount = 0
  @exclusivity(unchecked) var abandonedCount = 0
  @exclusivity(unchecked) var unwantedCount = 0
  let idleTime: Int64
  /// How long a call must have waited at least to be a lint.
  let shortestLintedWait: Int64

  package init(
    limit: Int, idleTime: Duration = .seconds(10), shortestLintedWait: Duration = .milliseconds(20)
  ) {
    threadLimit = limit
    self.idleTime = idleTime.nanosecondsClamped
    self.shortestLintedWait = shortestLintedWait.nanosecondsClamped
  }

  /// How many calls may block at the same time; those beyond wait for their turn.
  ///
  /// May be changed at any time: lowered, it lets what runs run to its end.
  public var limit: Int {
    get { lock.withLock { threadLimit } }
    set {
      require(newValue > 0, "the blocking pool needs a thread: set its limit to 1 or more")
      change { threadLimit = newValue }
    }
  }

  /// What the threads of a pool do, and what they have done.
  public struct Statistics: Sendable, Hashable {
    /// How many threads there are.
    public var threads = 0
    /// Threads that sleep because there is nothing to do.
    public var idle = 0
    /// Calls that wait for a thread.
    public var queued = 0
    /// Calls whose body runs, abandoned ones included.
    public var running = 0
    /// Of the running calls, those whose caller was cancelled or has chosen otherwise, and waits for the body or has
    /// abandoned it.
    ///
    /// If this stays above zero, the bodies need an `onCancel` that makes them return.
    public var unwanted = 0
    /// Calls whose outcome was delivered.
    public var completed = 0
    /// Calls whose outcome was dropped, because they lost in a choice or were abandoned after the body had begun.
    public var abandoned = 0
  }

  /// What the threads do at this moment, and what they have done.
  public var statistics: Statistics {
    lock.withLock {
      Statistics(
        threads: threadCount, idle: idle.count, queued: queue.count, running: runningCount, unwanted: unwantedCount,
        completed: completedCount, abandoned: abandonedCount)
    }
  }

  // MARK: Deadlocks

  /// The threads of the shared pool that sleep and have not been notified; while it stays equal, none of them has woken
  /// or ended.
  struct Idle: Equatable {
    var count = 0
    var changes = 0
  }

  static var sharedIdle: Idle {
    guard sharedHasThreads.load(ordering: .acquiring) else { return Idle() }
    return shared.lock.withLock { Idle(count: shared.idle.count, changes: shared.idleChanges) }
  }
}
