import Synchronization

extension FiberSnapshot {
  /// What one worker was doing.
  package struct WorkerState: Sendable {
    /// Its index among the workers of its scheduler.
    package let index: Int
    /// What its thread is there for: "regular", "retiring", "parked", "standIn".
    package let duty: String
    package let isAsleep: Bool
    /// Switches so far; while they stay the same it does not get anywhere.
    package let switches: Int
    /// How many fibers have begun there and not ended.
    package let begun: Int
    /// How many fibers can run and wait for it.
    package let queued: Int
    /// Nanoseconds of processor time that its thread has used; nil if the system does not say.
    package let processorTime: Int64?
    /// The index of the fiber that it runs; -1 for none.
    package internal(set) var running: Int32 = -1

    init(_ worker: WorkerRef) {
      index = worker.pointee.place.index
      duty = "\(worker.duty)"
      isAsleep = worker.pointee.sleep.pointee.isAsleep
      switches = worker.pointee.counters.switches.load(ordering: .relaxed)
      begun = worker.pointee.counters.begun.load(ordering: .relaxed)
      queued = worker.pointee.queue.count + worker.pointee.inbox.count
      processorTime = System.processorTime(of: worker.pointee.place.task.load(ordering: .acquiring))
    }
  }
}
