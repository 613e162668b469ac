import Synchronization

extension Worker {
  /// What observes a worker.
  struct Instruments: ~Copyable {
    /// Those that are on, a bit each.
    let active: Atomic<UInt8>
    /// What is measured here, if the scheduler has an observer; see `Worker+Measuring`.
    let meter: WorkerMeterRef?
    /// What is looked for here, if a handler has asked for lints; see `Worker+Habits`.
    let habits: WorkerHabitsRef?
    /// Where events are recorded, which stays once there is one; see `FlightRecorder`.
    let ring = Atomic<EventRingRef?>(nil)

    static var recorder: UInt8 { 1 }
    static var measuring: UInt8 { 2 }
    static var lints: UInt8 { 4 }

    init(_ scheduler: Scheduler?, _ index: Int) {
      meter = scheduler?.meter?.worker(at: index, now: scheduler!.now)
      habits = scheduler.flatMap { $0.settings.lints.areAskedFor ? .new(WorkerHabits($0.settings, now: $0.now)) : nil }
      active = Atomic((meter == nil ? 0 : Self.measuring) | (habits == nil ? 0 : Self.lints))
    }

    deinit { habits?.destroy() }
  }
}
