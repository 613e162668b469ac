/// Learns when a scheduler begins, stalls and ends, and can read its figures; see `Configuration(observer:)`.
///
///     final class Exporter: SchedulerObserver {
///       let scheduler = Mutex<Scheduler?>(nil)
///       func schedulerDidBegin(_ scheduler: Scheduler) { self.scheduler.withLock { $0 = scheduler } }
///       var metrics: SchedulerMetrics? { scheduler.withLock { $0 }?.metrics }
///     }
///
/// None of its methods is called while a fiber is switched, woken or spawned: the workers count, and the
/// figures are read on demand. Each method has a default that does nothing.
public protocol SchedulerObserver: Sendable {
  /// A run begins, on the calling thread, and no fiber has run.
  ///
  /// Keep the scheduler, and read `Scheduler.metrics` of it at any time, from any thread, also when the run is over.
  func schedulerDidBegin(_ scheduler: Scheduler)

  /// A fiber has computed for longer than `Configuration.timeSlice`; as `Configuration.onStall`, on the same thread.
  func schedulerDidStall(_ stall: Scheduler.Stall)

  /// The run is over, with these figures; on the thread that began it.
  func schedulerDidEnd(_ metrics: SchedulerMetrics)
}

extension SchedulerObserver {
  /// Does nothing.
  public func schedulerDidBegin(_ scheduler: Scheduler) {}
  /// Does nothing.
  public func schedulerDidStall(_ stall: Scheduler.Stall) {}
  /// Does nothing.
  public func schedulerDidEnd(_ metrics: SchedulerMetrics) {}
}

/// What a scheduler has measured of itself since it began.
public struct SchedulerMetrics: Sendable, Hashable {
  /// What it has counted: switches, steals, fibers, and so on.
  public let statistics: Scheduler.Statistics
  /// How long fibers that could run have waited for their worker: from a wakeup, a spawn or a yield until they ran.
  public internal(set) var queueDelay = DurationHistogram()
  /// How long fibers have run until they waited, yielded or ended.
  public internal(set) var runLength = DurationHistogram()
  /// How long calls of `blocking`, and file operations, have waited for a thread.
  public internal(set) var blockingWait = DurationHistogram()
  /// How often a fiber has computed for longer than the time slice.
  public internal(set) var stalls = 0

  init(statistics: Scheduler.Statistics) { self.statistics = statistics }
}

extension Scheduler {
  /// What it has measured since it began, also when the run is over; nil without `Configuration(observer:)`.
  ///
  /// Takes time in proportion to the workers and the fibers alive, as `statistics`. Each figure is right for some moment
  /// during the call.
  public var metrics: SchedulerMetrics? { meter?.read(statistics) }
}
