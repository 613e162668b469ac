import CSwitch

/// The values of Swift's task-locals that a fiber begins with: copies, immutable, shared by all that inherit them.
///
/// The values of a spawner end with its `withValue`, so a child cannot share the runtime's own list of them. It gets
/// these copies, linked in the same way. The runtime only reads them: what a fiber binds itself is linked before them,
/// and gone when the fiber ends.
///
///     the thread's word, or `saved` --> `head` --> own values --> these copies
///
/// See `CSwitchTaskLocals.h` for the layout, and `tasklocals.c` for how it is verified.
@usableFromInline
package final class TaskLocalValues: @unchecked Sendable {
  private typealias Item = UnsafeMutablePointer<cs_task_local>

  /// The value that was bound last.
  fileprivate let first: UnsafeMutablePointer<cs_task_local>

  /// Copies the values from `source` on; of each task-local only the one that was bound last, which hides the others.
  fileprivate init(_ source: UnsafePointer<cs_task_local>) {
    var keys: [UnsafeRawPointer] = []
    var copies: [Item] = []
    var candidate: UnsafePointer<cs_task_local>? = source
    while let item = candidate {
      if !keys.contains(item.pointee.key) {
        keys.append(item.pointee.key)
        copies.append(Self.copy(item))
      }
      candidate = cs_task_locals_next(item)
    }
    for index in 1..<copies.count { copies[index - 1].pointee.next = UInt(bitPattern: copies[index]) }
    first = copies[0]
  }

  deinit {
    cs_notes_acquire(first)
    var candidate: UnsafePointer<cs_task_local>? = UnsafePointer(first)
    while let item = candidate {
      candidate = cs_task_locals_next(item)
      func destroy<Value>(_ type: Value.Type) {
        UnsafeMutablePointer(mutating: Self.place(of: type, in: item)).deinitialize(count: 1)
      }
      _openExistential(Self.type(of: item), do: destroy)
      item.deallocate()
    }
  }

  private static func copy(_ item: UnsafePointer<cs_task_local>) -> Item {
    func copy<Value>(_ type: Value.Type) -> Item {
      let memory = UnsafeMutableRawPointer.allocate(
        byteCount: offset(of: type) + MemoryLayout<Value>.size, alignment: max(MemoryLayout<Value>.alignment, 16))
      let copy = memory.bindMemory(to: cs_task_local.self, capacity: 1)
      copy.initialize(to: cs_task_local(next: 0, key: item.pointee.key, type: item.pointee.type))
      UnsafeMutablePointer(mutating: place(of: type, in: copy)).initialize(to: place(of: type, in: item).pointee)
      return copy
    }
    return _openExistential(type(of: item), do: copy)
  }

  private static func type(of item: UnsafePointer<cs_task_local>) -> Any.Type {
    unsafeBitCast(item.pointee.type, to: Any.Type.self)
  }

  private static func place<Value>(
    of type: Value.Type, in item: UnsafePointer<cs_task_local>
  ) -> UnsafePointer<Value> {
    (UnsafeRawPointer(item) + offset(of: type)).assumingMemoryBound(to: Value.self)
  }

  private static func offset<Value>(of type: Value.Type) -> Int {
    let alignment = MemoryLayout<Value>.alignment
    return (MemoryLayout<cs_task_local>.size + alignment - 1) & ~(alignment - 1)
  }
}

extension TaskLocalValues {
  /// The values of the calling fiber, task or thread; nil if there are none.
  package static var ofCaller: TaskLocalValues? {
    if let worker = Worker.ofThisThreadIfAny { return worker.pointee.current.inheritedTaskLocals }
    return cs_task_locals_first().map { TaskLocalValues($0) }
  }

  /// Whether `withTaskLocals` can bind values: the thread's word is known.
  package static var canBeBound: Bool { cs_task_locals_word() != nil }

  /// Traps where values are bound that fibers cannot keep apart: the thread's word is not known.
  static func refuse() {
    if cs_task_locals_first() != nil { fatalError(refusal) }
  }

  /// The calling thread's word for the current task; where it is not known, one that is always nil.
  static var taskWord: UnsafeMutablePointer<UnsafeMutableRawPointer?> {
    _ = lookInTask
    return cs_task_word() ?? cs_task_unknown()
  }

  /// Finds where threads keep the current task, which can be seen only in one.
  private static let lookInTask: Void = {
    #if os(Linux)
      if !cs_is_in_task() { Task.immediate { _ = cs_task_word() } }
    #endif
  }()

  /// Traps: a task is current on the thread, so it runs on the stack that is about to be left.
  @inline(never)
  static func refuseTask() -> Never {
    fatalError(
      "a fiber waits, or a coroutine yields, inside a task that runs on its stack\(SourceLines.ofCaller), begun by Task.immediate or runSynchronously(on:); write 'await' in the task, or begin it with Task { }, so that it does not run there"
    )
  }

  static let refusal =
    "a task-local value is bound, and this Swift runtime keeps such values where Nursery does not find them, so fibers would read each other's; bind a FiberLocal in place of the TaskLocal"
}

/// What a fiber, or a suspended coroutine, keeps of Swift's task-locals.
@usableFromInline
struct TaskLocalStorage {
  /// The runtime's storage where values are inherited: the value that was bound last.
  ///
  /// Its address is the storage's: this field must stay first.
  private var head: UnsafeMutableRawPointer?
  /// What the thread's word held when this side was left, and holds again when it goes on; nil while it runs.
  @usableFromInline var saved: UnsafeMutableRawPointer?
  var inherited: TaskLocalValues?

  init() {}
}

extension UnsafeMutablePointer<TaskLocalStorage> {
  /// Lets a side that has not begun begin with these values.
  func inherit(_ values: TaskLocalValues) {
    pointee.inherited = values
    UnsafeMutableRawPointer(self).storeBytes(of: values.first, as: UnsafeMutablePointer<cs_task_local>.self)
    pointee.saved = UnsafeMutableRawPointer(self)
  }
}

extension FiberRef {
  var taskLocals: UnsafeMutablePointer<TaskLocalStorage> {
    withUnsafeMutablePointer(to: &pointee.surroundings.taskLocals) { $0 }
  }

  /// The values with which a fiber begins that this one, which runs, spawns.
  @inline(__always)
  var inheritedTaskLocals: TaskLocalValues? {
    pointee.worker.pointee.pace.taskLocals.pointee == nil ? nil : collectTaskLocals()
  }

  /// Shares what is inherited where nothing has been bound since.
  @inline(never)
  private func collectTaskLocals() -> TaskLocalValues? {
    guard let first = cs_task_locals_first() else { return nil }
    if cs_task_locals_word() == nil { TaskLocalValues.refuse() }
    let coroutine = pointee.surroundings.coroutine
    let inherited = coroutine.map { $0.pointee.taskLocals.inherited } ?? pointee.surroundings.taskLocals.inherited
    if let inherited, UnsafePointer(inherited.first) == first { return inherited }
    return TaskLocalValues(first)
  }

  /// Lets this fiber, which has not begun, begin with the values of the one that spawns it, which runs.
  @inline(never)
  func inheritTaskLocals(of spawner: FiberRef) {
    if let values = spawner.inheritedTaskLocals { taskLocals.inherit(values) }
  }

  /// Lets the inherited values go: the fiber ends, on its thread, or has never begun.
  @inline(__always)
  func leaveTaskLocals() {
    if pointee.surroundings.taskLocals.inherited != nil { giveUpTaskLocals() }
  }

  @inline(never)
  private func giveUpTaskLocals() {
    if pointee.surroundings.taskLocals.saved == nil { pointee.worker.pointee.pace.taskLocals.pointee = nil }
    pointee.surroundings.taskLocals.saved = nil
    cs_notes_release(pointee.surroundings.taskLocals.inherited!.first)
    pointee.surroundings.taskLocals.inherited = nil
  }

  /// Calls `body` with these values in place of those that are bound on the calling thread, which is this plain thread,
  /// outside of tasks.
  package func withTaskLocals<Result>(_ values: TaskLocalValues?, _ body: () throws -> Result) rethrows -> Result {
    guard let word = cs_task_locals_word() else {
      if values != nil { fatalError(TaskLocalValues.refusal) }
      return try body()
    }
    let (outer, own) = (word.pointee, pointee.surroundings.taskLocals)
    defer {
      // An event loop's guest may have changed its thread.
      cs_task_locals_word()?.pointee = outer
      pointee.surroundings.taskLocals = own
    }
    if let values { taskLocals.inherit(values) }
    word.pointee = pointee.surroundings.taskLocals.saved
    pointee.surroundings.taskLocals.saved = nil
    return try body()
  }

  /// Calls `body` outside of the current task, with the task's values: several fibers will run on this thread, and the
  /// task has one list of values for all of them.
  func outsideTask<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard pointee.kind == .thread, cs_is_in_task(), cs_task_locals_word() != nil else { return try body() }
    let values = inheritedTaskLocals
    let task = cs_task_exchange(nil)
    defer { _ = cs_task_exchange(task) }
    return try withTaskLocals(values, body)
  }
}
