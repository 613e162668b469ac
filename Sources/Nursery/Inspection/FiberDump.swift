/// What every fiber is doing, taken at one moment: the tree of nurseries and fibers, and for each parked fiber what it
/// waits for, since when, at which line, and what could wake it.
///
///     print(FiberDump.current())
///
/// The fibers go on meanwhile: what is taken of each is right for some moment during the call. To take it runs no code
/// of the program, so it can be taken anywhere: on a fiber, a plain thread and in a task, while fibers are cancelled,
/// and when nothing moves any more. Its `description` is for people: fibers that do the same are one entry with a
/// count. `json` is for programs, `dot` for Graphviz. `explain` says why one fiber waits, `suspects` which fibers wait for each
/// other alone.
///
/// Durations are as exact as the worker's own idea of the time, which it refreshes every 64 switches and whenever it
/// wakes.
public struct FiberDump: Sendable {
  let snapshot: FiberSnapshot

  init(_ snapshot: FiberSnapshot) { self.snapshot = snapshot }

  /// On a fiber, the dump of its scheduler; elsewhere `all()`.
  ///
  /// Takes a thread for the time of the call. Blocks the caller's thread meanwhile: for a million fibers a second or
  /// two.
  public static func current() -> FiberDump { Scheduler.current?.dump() ?? all() }

  /// The dump of every scheduler of this process, and of the plain threads and tasks that wait in operations.
  public static func all() -> FiberDump { FiberDump(Scheduler.snapshotOfAll) }

  /// How many fibers, threads and tasks are listed.
  public var count: Int { snapshot.fibers.count }

  /// The fibers, each nursery's together, the plain threads, and the tasks.
  public var entries: [Entry] {
    let tree = DumpTree(snapshot)
    return snapshot.fibers.indices.map { Entry(at: $0, tree) }
  }
}

extension Scheduler {
  /// What the scheduler's fibers are doing; an empty dump when its run is over.
  ///
  /// See `FiberDump`.
  public func dump() -> FiberDump { FiberDump(snapshot) }
}
