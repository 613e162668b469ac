import Synchronization

/// The time of a scheduler: the system's, or one that stands still until it is moved.
struct SchedulerClock: ~Copyable {
  let isVirtual: Bool
  private let virtualNow = Atomic<Int64>(0)
  /// The wall clock's time when it began, in nanoseconds since 1970.
  private let wallStart = WallClock.now

  init(_ kind: Configuration.Clock) { isVirtual = kind == .virtual }

  /// The wall clock's time, in nanoseconds since 1970.
  var wallNow: Int64 { isVirtual ? saturatingAdd(wallStart, virtualNow.load(ordering: .relaxed)) : WallClock.now }

  var now: Int64 { isVirtual ? virtualNow.load(ordering: .relaxed) : System.monotonicNow() }

  /// Moves a virtual clock; called by one thread at a time.
  func move(to instant: Int64) { virtualNow.store(instant, ordering: .relaxed) }
}

extension Scheduler {
  /// With all workers asleep and nothing under way, jumps to the next timer and fires what is due; false if there is no
  /// timer.
  ///
  /// One at a time: expired fibers are queued before the next look. No thread may have woken meanwhile: one that takes
  /// a fiber from a queue that then seems empty has first been counted as awake and then as woken.
  func advanceVirtualTime() -> Bool {
    timeLock.lock()
    defer { timeLock.unlock() }
    let epoch = workers.wakeEpoch
    if !workers.areAllAsleep || expectsOutside || !globalQueue.isEmpty { return false }
    var earliest = Int64.max
    for index in workers.indices {
      let worker = workers[index]
      if worker.pointee.queue.count > 0 || !worker.pointee.inbox.isEmpty { return false }
      earliest = min(earliest, worker.pointee.timers.earliest)
    }
    if earliest == .max || workers.wakeEpoch != epoch { return false }
    clock.move(to: earliest)
    for index in workers.indices { _ = workers[index].pointee.timers.fire(earliest) }
    return true
  }
}

extension FiberRef {
  /// The wall clock's time, in nanoseconds since 1970; with a virtual clock that of the run's begin, and what has
  /// passed since.
  package var wallNow: Int64 {
    pointee.worker.pointee.scheduler?._withUnsafeGuaranteedRef { $0.clock.wallNow } ?? WallClock.now
  }

  /// Whether its time is its scheduler's own.
  package var hasVirtualClock: Bool { pointee.worker.isVirtual }
}
