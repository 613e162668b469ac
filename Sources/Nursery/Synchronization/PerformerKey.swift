/// Which fiber, thread or task holds something; no later one has the same key.
struct PerformerKey: Hashable, Sendable {
  /// The record's address, of a fiber or a thread; 1 for a task, which has a record only while it performs.
  let performer: UInt
  /// Tells the holder from a later one with the same record, and tasks from each other.
  let id: UInt64

  init(performer: UInt, id: UInt64) {
    self.performer = performer
    self.id = id
  }

  /// The key of the calling fiber or thread, or of the task that runs on this thread.
  init(_ caller: FiberRef) {
    if caller.runsTask, let id = currentTaskID() {
      // Never the id of a fiber or thread.
      self.init(performer: Self.task, id: id | 1 << 63)
    } else {
      self.init(fiber: caller)
    }
  }

  /// The key of a fiber that runs no task's job.
  @inline(__always)
  init(fiber: FiberRef) { self.init(performer: UInt(bitPattern: fiber), id: fiber.id) }

  private static var task: UInt { 1 }

  static var caller: PerformerKey { PerformerKey(Performer.current()) }

  var isCaller: Bool { self == .caller }

  /// The same, for dumps.
  var forDumps: PerformerID { PerformerID(record: performer, number: id) }

  /// "fiber "cook"".
  var label: String {
    if performer == Self.task { return "a task" }
    // The memory of records is never unmapped.
    guard let record = FiberRef(bitPattern: performer) else { return "no fiber" }
    return record.id == id ? record.label : "a fiber that has ended"
  }
}

/// The number that no other task of this process has; nil outside tasks.
private func currentTaskID() -> UInt64? {
  // Neither counts a reference to the task nor keeps one.
  withUnsafeCurrentTask { task in task.map { taskID(unsafeBitCast($0, to: UnsafeRawPointer.self)) } }
}

@_silgen_name("swift_task_getJobTaskId")
private func taskID(_ task: UnsafeRawPointer) -> UInt64
