import Synchronization

/// The threads on which `blocking { }` runs what blocks: few, started when needed, gone when idle.
///
/// A thread takes the oldest job, runs it, delivers, and takes the next; if there is none it sleeps, and ends after ten seconds of it. Who
/// submits a job calls at most one thread, and while one is on its way to the queue (it has been called, or has just delivered) nobody
/// calls another: it will take what there is and, if something is left, call the next one itself. So a burst of short jobs is served
/// by as many threads as it takes, one caller's jobs by one thread, and a thread that finds the next job waiting costs no call at all.
///
/// Invariant: if a job is queued, then a thread is on its way to the queue (`arriving`), or as many threads as may be are busy; each of
/// them looks at the queue when its job ends.
///
/// A thread whose job itself waits for the pool lends its place, so that the pool cannot wait for itself.
public final class BlockingPool: @unchecked Sendable {
  /// The pool of the process.
  ///
  /// By default it has up to 64 threads, or four for each processor if that is more. They mostly sleep in the kernel, so it is not
  /// processors that they compete for; the bound is there for memory's sake, and generous so that a few lookups of dead names, which
  /// may take half a minute each, do not hold up everybody's files.
  public static let shared = BlockingPool(limit: max(64, 4 * System.processorCount))

  /// Those whose sleep who looks for a deadlock has to know of.
  static let sharedHasThreads = Atomic<Bool>(false)

  let lock = SpinLock(.pool)
  @exclusivity(unchecked) var queue = BlockingQueue()
  @exclusivity(unchecked) var threadLimit: Int
  /// How many threads there are, those being started included.
  @exclusivity(unchecked) var threadCount = 0
  /// Those that sleep, the one that fell asleep last at the end: it is called first, and the others get old.
  @exclusivity(unchecked) var idle: [BlockingThreadRef] = []
  /// How often `idle` has changed.
  @exclusivity(unchecked) var idleChanges = 0
  /// How many threads are on their way to the queue: called or started, or done with a job.
  @exclusivity(unchecked) var arriving = 0
  /// How many jobs are waited for by threads of the pool.
  @exclusivity(unchecked) var lent = 0
  @exclusivity(unchecked) var runningCount = 0
  @exclusivity(unchecked) var completedCount = 0
  @exclusivity(unchecked) var abandonedCount = 0
  /// Every record there is, and those whose threads have ended; they are used again, because a late caller may still touch them.
  @exclusivity(unchecked) var records: [BlockingThreadRef] = []
  @exclusivity(unchecked) var freeRecords: [BlockingThreadRef] = []
  @exclusivity(unchecked) var lastStartError: SystemError?
  let idleTime: Int64

  package init(limit: Int, idleTime: Duration = .seconds(10)) {
    threadLimit = limit
    self.idleTime = idleTime.nanosecondsClamped
  }

  deinit {
    for record in records { record.destroy() }
  }

  /// How many calls may block at the same time; those beyond wait for their turn.
  ///
  /// May be changed at any time: lowered, it lets what runs run to its end.
  public var limit: Int {
    get {
      lock.lock()
      defer { lock.unlock() }
      return threadLimit
    }
    set {
      precondition(newValue > 0, "the blocking pool needs a thread: set its limit to 1 or more")
      lock.lock()
      threadLimit = newValue
      let call = nextCall()
      lock.unlock()
      make(call)
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
    /// Calls that run, those that have been abandoned included.
    public var running = 0
    /// Calls whose outcome has been delivered.
    public var completed = 0
    /// Calls that were given up after they had begun.
    public var abandoned = 0
  }

  /// What the threads do at this moment, and what they have done.
  public var statistics: Statistics {
    lock.lock()
    defer { lock.unlock() }
    return Statistics(
      threads: threadCount, idle: idle.count, queued: queue.count, running: runningCount, completed: completedCount,
      abandoned: abandonedCount)
  }

  /// Why no thread could be had.
  var startError: SystemError {
    lock.lock()
    defer { lock.unlock() }
    return lastStartError!
  }

  // MARK: Deadlocks

  /// The threads of the shared pool that sleep and have not been called; as long as it stays equal, none of them has risen or ended.
  struct Idle: Equatable {
    var count = 0
    var changes = 0
  }

  static var sharedIdle: Idle {
    guard sharedHasThreads.load(ordering: .acquiring) else { return Idle() }
    shared.lock.lock()
    defer { shared.lock.unlock() }
    return Idle(count: shared.idle.count, changes: shared.idleChanges)
  }
}
