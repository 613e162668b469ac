import Synchronization

typealias WorkerMeterRef = UnsafeMutablePointer<WorkerMeter>

/// What is measured on one worker, whose thread alone writes it.
struct WorkerMeter: ~Copyable {
  /// How long fibers that could run have waited for the worker.
  let queueDelay = DurationCounts()
  /// How long fibers have run without a wait.
  let runLength = DurationCounts()
  /// When the fiber that runs was put on the worker.
  var switchedAt: Int64 = 0
}

/// What a scheduler with an observer measures of itself; it stays for readers when the run is over.
final class SchedulerMeter: @unchecked Sendable {
  /// How long calls of `blocking` have waited for a thread.
  let blockingWait = DurationCounts()
  private let stallCount = Atomic<Int>(0)
  private let lock = SpinLock(.leaf)
  /// Nil when the run is over: it may keep the scheduler, which keeps this.
  @exclusivity(unchecked) private var observer: (any SchedulerObserver)?
  /// By the places of the workers; they stay.
  @exclusivity(unchecked) private var workers: [WorkerMeterRef] = []

  init(_ observer: any SchedulerObserver) { self.observer = observer }

  deinit { for worker in workers { worker.destroy() } }

  /// For the worker at a place, which begins; the places are taken one after the other.
  func worker(at place: Int, now: Int64) -> WorkerMeterRef {
    lock.withLock {
      while workers.count <= place { workers.append(.new(WorkerMeter())) }
      workers[place].pointee.switchedAt = now
      return workers[place]
    }
  }

  func note(_ stall: Scheduler.Stall) {
    stallCount.add(1, ordering: .relaxed)
    lock.withLock { observer }?.schedulerDidStall(stall)
  }

  func begin(_ scheduler: Scheduler) { lock.withLock { observer }?.schedulerDidBegin(scheduler) }

  func end(_ metrics: SchedulerMetrics) {
    let observer = lock.withLock { self.observer.take() }
    observer?.schedulerDidEnd(metrics)
  }

  func read(_ statistics: Scheduler.Statistics) -> SchedulerMetrics {
    var metrics = SchedulerMetrics(statistics: statistics)
    metrics.stalls = stallCount.load(ordering: .relaxed)
    metrics.blockingWait.add(blockingWait)
    let workers = lock.withLock { self.workers }
    for worker in workers {
      metrics.queueDelay.add(worker.pointee.queueDelay)
      metrics.runLength.add(worker.pointee.runLength)
    }
    return metrics
  }
}
