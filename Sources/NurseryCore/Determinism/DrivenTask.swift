/// The task of an async function that a fiber of a deterministic scheduler waits for, as its executor.
///
/// The task's jobs run on that fiber: a job that is queued wakes the fiber, which runs it when the decisions say so. So
/// what the function does between two suspensions is a step of a schedule, as a fiber's is. Its choices are decided as
/// fibers' are.
///
///     the function's task                         the fiber
///     suspends in an operation      <-- run() --  runs the job
///     its operation is committed: enqueue -----> is woken, and runs the job
///
/// Only one thread runs jobs, except after `abandon`: then the executor of the process does.
package final class DrivenTask: TaskExecutor, @unchecked Sendable {
  private struct Queue {
    var jobs: [UnownedJob] = []
    /// The number of the first job's task, the function's.
    var function: UInt64?
    /// Whether no job so far was a child task's.
    var isAlone = true
    /// Whether another thread has queued one of the jobs.
    var dependsOnOutside = false
    var isAbandoned = false
  }

  private let queue = Protected(Queue())
  private let decisions: Decisions
  private let isHere: @Sendable () -> Bool
  private let wake: @Sendable () -> Void
  /// Counts something outside that may wake the fiber, or no longer.
  private let announce: @Sendable (Bool) -> Void
  @exclusivity(unchecked) private var isAnnounced = false
  /// Set while the function is suspended at a scheduling point.
  @exclusivity(unchecked) private var pausing: UnsafeContinuation<Void, Never>?
  @exclusivity(unchecked) private var hasEnded = false
  /// Whether the function is suspended in an operation.
  @exclusivity(unchecked) private var isParked = false
  /// Whether that operation has a timer or waits for a descriptor, which are served outside.
  @exclusivity(unchecked) package var waitsForOutside = false

  package init(
    _ decisions: Decisions, isHere: @escaping @Sendable () -> Bool, wake: @escaping @Sendable () -> Void,
    announce: @escaping @Sendable (Bool) -> Void
  ) {
    self.decisions = decisions
    self.isHere = isHere
    self.wake = wake
    self.announce = announce
  }

  deinit { setAnnounced(false) }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let isForeign = !isHere()
    let isAbandoned = queue.withLock { queue in
      if queue.isAbandoned { return true }
      if let task = taskID(of: job) {
        if queue.function == nil { queue.function = task }
        queue.isAlone = queue.isAlone && queue.function == task
      }
      queue.dependsOnOutside = queue.dependsOnOutside || isForeign
      queue.jobs.append(job)
      return false
    }
    if isAbandoned { globalConcurrentExecutor.enqueue(ExecutorJob(job)) } else { wake() }
  }

  /// Runs the queued jobs on the calling fiber.
  ///
  /// - Parameter decide: called before each; other fibers may run in it.
  package func run(decide: () -> Void) {
    while queue.withLock({ !$0.jobs.isEmpty }) {
      decide()
      guard let job = queue.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) else { break }
      decisions.driven = self
      job.runSynchronously(on: asUnownedTaskExecutor())
      decisions.driven = nil
      // The function's next job is queued by this.
      pausing.take()?.resume()
    }
    let (hasBegun, isAlone, dependsOnOutside) = queue.withLock {
      ($0.function != nil, $0.isAlone, $0.dependsOnOutside)
    }
    if dependsOnOutside { decisions.dependsOnOutside = true }
    // A task that is suspended elsewhere waits for what no scheduler knows, as may a task that has children.
    setAnnounced(hasBegun && !hasEnded && !(isAlone && isParked && !waitsForOutside))
  }

  /// Suspends the function, so that others may run first.
  nonisolated(nonsending) package func pause() async { await withUnsafeContinuation { pausing = $0 } }

  /// The function has ended.
  package func end() { hasEnded = true }

  /// Lets the executor of the process run all that is left.
  package func abandon() {
    let jobs = queue.withLock { queue in
      queue.isAbandoned = true
      return queue.jobs
    }
    for job in jobs { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
    setAnnounced(false)
  }

  package func beginOperation() { waitsForOutside = false }
  package func park() { isParked = true }
  package func unpark() { isParked = false }

  private func setAnnounced(_ isNeeded: Bool) {
    if isAnnounced == isNeeded { return }
    isAnnounced = isNeeded
    announce(isNeeded)
  }
}

/// The number of the job's task; nil for a job that is no task, such as an actor's or what `Task.yield()` queues.
///
/// A job that cannot be told apart counts as a child task's.
private func taskID(of job: UnownedJob) -> UInt64? {
  let id = jobTaskID(job)
  // The runtime's layout: an object's header, two words for the executor, the flags with the kind, and the number.
  let flags = unsafeBitCast(job, to: UnsafeRawPointer.self) + 4 * MemoryLayout<UInt>.size
  let isKnown = flags.load(fromByteOffset: 4, as: UInt32.self) == UInt32(truncatingIfNeeded: id)
  return isKnown && flags.load(as: UInt8.self) != 0 ? nil : id
}

@_silgen_name("swift_task_getJobTaskId")
private func jobTaskID(_ job: UnownedJob) -> UInt64
