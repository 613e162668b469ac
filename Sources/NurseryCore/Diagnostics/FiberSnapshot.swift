import CSwitch

/// What the scopes and fibers of a scheduler, or of all, were doing at one time, more or less: raw, without a text.
///
/// Taken in two steps, so that nothing waits for long. First the tree of scopes is walked under the scopes' locks, and
/// the fibers are listed. Then each fiber is looked at alone, without a lock (`FiberRef+Look`). A fiber that goes on in
/// between shows what it does later.
package struct FiberSnapshot: Sendable {
  /// A nursery or another scope; the parents come before their children.
  package struct Scope: Sendable {
    package enum Kind: UInt8, Sendable {
      /// All of a run.
      case run
      case nursery
      /// The daemons of a nursery.
      case daemons
      /// A `goAndWait`.
      case call
      /// A cancel scope or a timeout.
      case scope
      case shield
    }

    package let kind: Kind
    /// The index of the scope around; -1 for none.
    package let parent: Int32
    package let site: SourceSite
    package let path: String
    /// The scope's own deadline; `.max` for none.
    package let deadline: Int64
    /// Why this very scope was cancelled.
    package let reason: CancellationReason?
    /// How many children may run at once.
    package let limit: Int
    package let isDraining: Bool
    /// The index of its clock.
    package let clock: Int32
    /// The number of children.
    package let childCount: Int
    /// The fiber on which the coroutine is suspended that has this scope open, and those inside it.
    ///
    /// Nil for a scope in a tree.
    package let suspendedOn: PerformerID?
  }

  /// A fiber, or a plain thread or task that performs an operation.
  package struct Fiber: Sendable {
    package enum State: UInt8, Sendable {
      case ready
      case running
      /// Waits in a perform.
      case waiting
      /// Waits for the children of `scope`.
      case joining
      /// A child of a full nursery that waits for its turn.
      case awaitingTurn
    }

    package enum Kind: UInt8, Sendable {
      case root, fiber, thread, task
    }

    package let performer: PerformerID
    package let name: String?
    package let site: SourceSite
    /// The scope of the nursery that it is a child of; -1 for a thread and a task.
    package let home: Int32
    /// The innermost scope that it has open.
    package internal(set) var scope: Int32
    package internal(set) var state: State
    package let kind: Kind
    /// Whether it was cancelled by its handle.
    package let isCancelledAlone: Bool
    package internal(set) var waitCount: Int32 = 0
    package internal(set) var firstWait: Int32 = 0
    /// The index of its stack; -1 for none.
    package internal(set) var stack: Int32 = -1
    /// When it began to wait.
    package internal(set) var since: Int64 = 0
    /// The index of the fiber-locals that it shows; -1 for none.
    package internal(set) var locals: Int32 = -1
  }

  /// One branch of a perform.
  package struct Wait: Sendable {
    /// The index of its description.
    package let text: Int32
    /// The address of the object that it waits on.
    package let source: UInt
    package internal(set) var waker: Waker
  }

  /// What leads to an object that fibers wait for.
  package struct References: Sendable {
    /// How many references there are.
    package internal(set) var count: Int
    /// How many of them belong to fibers that wait for it.
    package internal(set) var ofWaiters = 0
  }

  /// The time of one scheduler.
  package struct Clock: Sendable {
    package let now: Int64
    /// Whether it is deterministic: then numbers of fibers say nothing.
    package let isDeterministic: Bool
    package let workers: Int
  }

  package internal(set) var scopes: [Scope] = []
  package internal(set) var fibers: [Fiber] = []
  package internal(set) var waits: [Wait] = []
  package internal(set) var texts: [String] = []
  package internal(set) var stacks: [[UInt]] = []
  package internal(set) var clocks: [Clock] = []
  package internal(set) var workers: [WorkerState] = []
  /// The objects of the wakers `.reference`, by their addresses.
  package internal(set) var references: [UInt: References] = [:]
  /// The channels that fibers wait on, by their addresses; only if they were asked for.
  package internal(set) var channels: [UInt: ChannelLoad] = [:]
  /// Where the descriptors lead that are waited for, by their numbers.
  package internal(set) var targets: [Int32: Target] = [:]
  package internal(set) var locals: [[ShownLocal]] = []
  /// The time of plain threads and tasks.
  package let now = System.monotonicNow()

  /// The branches that a fiber waits on.
  package func waits(of fiber: Fiber) -> ArraySlice<Wait> {
    waits[Int(fiber.firstWait)..<Int(fiber.firstWait + fiber.waitCount)]
  }
}

extension Scheduler {
  /// What the scheduler's scopes and fibers are doing; nothing when its run is over.
  package var snapshot: FiberSnapshot { Self.takeSnapshot(of: [self], withOthers: false) }

  /// The same, and the channels that its fibers wait on.
  package var snapshotWithChannels: FiberSnapshot {
    Self.takeSnapshot(of: [self], withOthers: false, withChannels: true)
  }

  /// The same of every scheduler of the process, and the plain threads and tasks that perform operations.
  package static var snapshotOfAll: FiberSnapshot { takeSnapshot(of: LiveSchedulers.all, withOthers: true) }

  /// On a thread of its own, because names of types take more stack than a fiber may have.
  private static func takeSnapshot(
    of schedulers: [Scheduler], withOthers: Bool, withChannels: Bool = false
  ) -> FiberSnapshot {
    var taken = FiberSnapshot()
    cs_settle_fences()
    System.callOnThread("fibers-report") {
      var taker = SnapshotTaker(withChannels: withChannels)
      for scheduler in schedulers { scheduler.whileItRuns { taker.take(scheduler, isOneOfMany: schedulers.count > 1) } }
      if withOthers {
        taker.take(PlainThread.records, .thread)
        taker.take(FiberSlab.waitingTasks, .task)
      }
      taken = taker.snapshot
      taken.takeTargets()
    }
    return taken
  }

  /// Calls `body` unless the run is over, and keeps it from ending meanwhile; as `statistics` does.
  func whileItRuns(_ body: () -> Void) {
    visitors.observing.add(1, ordering: .sequentiallyConsistent)
    defer { visitors.observing.subtract(1, ordering: .releasing) }
    if !visitors.hasEnded.load(ordering: .sequentiallyConsistent) { body() }
  }
}

extension Scheduler {
  /// How many fibers there are, without a look at them.
  var fibersAliveRoughly: Int {
    var alive = counters.spawnedOutside.load(ordering: .relaxed) - counters.endedOutside.load(ordering: .relaxed)
    for index in workers.indices {
      alive += workers[index].pointee.counters.spawned.load(ordering: .relaxed)
      alive -= workers[index].pointee.counters.ended.load(ordering: .relaxed)
    }
    return max(0, alive) + 1
  }
}
