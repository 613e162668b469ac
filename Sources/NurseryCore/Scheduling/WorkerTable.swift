import Synchronization

/// The workers of a scheduler, and how many of their threads are awake.
///
/// A place that has been taken stays so until the scheduler ends, and is read without a lock: by thieves, the monitor,
/// and walks over all.
///
///     count      the places taken, each by a worker with a thread
///     regular    how many of them may run any fiber; at most `limit`
///     standIns   how many run what held workers have queued; see `Monitor`
///     awake      how many threads are awake, the monitor among them while it has a fiber in hand
///
/// Invariant: a thread counts as awake before it takes anything, and queues what it has before it stops counting. So if
/// `awake` is zero, and no thread has woken since (`wakeEpoch`), nothing is under way. The thread whose falling asleep
/// leaves zero acts for all: it moves virtual time, sleeps in a shared reactor, or looks for a deadlock
/// (`Scheduler+Idle`).
struct WorkerTable: ~Copyable {
  /// Guards the coming and going of workers, and their duties.
  let lock = SpinLock(.scheduler)
  private let places: UnsafeMutablePointer<WorkerRef?>
  private let mostPlaces: Int
  private let taken = Atomic<Int>(0)
  private let regular = Atomic<Int>(0)
  private let spare = Atomic<Int>(0)
  private let mostRegular: Atomic<Int>
  private let awake = Atomic<Int>(0)
  private let wakings = Atomic<Int>(0)

  /// The most workers that `spawnWorker` makes, where `parallelism` is smaller.
  static let mostWorkers = 256

  /// - Parameters:
  ///   - parallelism: how many regular workers there may be at first.
  ///   - standIns: how many stand-ins there may be.
  init(parallelism: Int, standIns: Int) {
    mostPlaces = parallelism == 1 ? 1 : max(parallelism, Self.mostWorkers) + standIns
    places = .allocate(capacity: mostPlaces)
    places.initialize(repeating: nil, count: mostPlaces)
    mostRegular = Atomic(parallelism)
  }

  deinit { places.deallocate() }

  var count: Int { taken.load(ordering: .acquiring) }
  var indices: Range<Int> { 0..<count }
  subscript(index: Int) -> WorkerRef { places[index]! }

  /// For debuggers: where the workers are, and the word that says how many.
  var addresses: (workers: UnsafeRawPointer, count: UnsafeRawPointer) {
    (UnsafeRawPointer(places), withUnsafePointer(to: taken) { UnsafeRawPointer($0) })
  }

  /// The last one with a duty, but not worker 0, which keeps its own.
  func last(_ duty: Worker.Duty) -> WorkerRef? {
    var index = count - 1
    while index > 0 {
      if self[index].duty == duty { return self[index] }
      index -= 1
    }
    return nil
  }

  // MARK: Duties

  var regularCount: Int { regular.load(ordering: .relaxed) }
  var standIns: Int { spare.load(ordering: .relaxed) }

  /// How many regular workers there may be.
  var limit: Int { mostRegular.load(ordering: .relaxed) }

  /// Called with the lock held.
  func changeLimit(by change: Int) { mostRegular.add(change, ordering: .relaxed) }

  /// Whether fewer regular workers exist than may.
  var hasRoom: Bool { regularCount < limit }

  /// Called with the lock held.
  func assign(_ duty: Worker.Duty, to worker: WorkerRef) {
    count(worker.duty, -1)
    count(duty, 1)
    // The duty before a call; a thread that falls asleep announces that, and then looks at its duty.
    worker.pointee.place.duty.store(duty, ordering: .sequentiallyConsistent)
  }

  private func count(_ duty: Worker.Duty, _ change: Int) {
    if duty == .regular { regular.add(change, ordering: .relaxed) }
    if duty == .standIn { spare.add(change, ordering: .relaxed) }
  }

  /// Adds a worker, whose thread counts as awake; called with the lock held.
  func add(_ worker: WorkerRef) {
    let index = count
    precondition(index < mostPlaces, "a scheduler has more workers than places for them")
    places[index] = worker
    count(worker.duty, 1)
    noteWaking()
    taken.store(index + 1, ordering: .releasing)
  }

  // MARK: Threads that are awake

  /// Called by a thread that has been asleep, before it takes anything.
  func noteWaking() {
    awake.add(1, ordering: .sequentiallyConsistent)
    wakings.wrappingAdd(1, ordering: .sequentiallyConsistent)
  }

  /// Called by a thread that is about to sleep and has nothing in hand; true if no other is awake.
  func noteSleeping() -> Bool { awake.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 }

  /// True of some instant, and still true only if `wakeEpoch` has not changed.
  var areAllAsleep: Bool { awake.load(ordering: .sequentiallyConsistent) == 0 }

  /// How often a thread has woken.
  var wakeEpoch: Int { wakings.load(ordering: .sequentiallyConsistent) }
}

extension Worker {
  /// What a worker's thread is there for.
  ///
  ///     (new thread) ---> regular ------- retireWorker -------> retiring --- its last fiber has ended ---> parked
  ///                        ^   ^                                   |                                        |  |
  ///                        |   +----------- spawnWorker -----------+                                        |  |
  ///                        +--------------- spawnWorker, or a call for help --------------------------------+  |
  ///                                                                                                            |
  ///     (new thread) ---> standIn <-------- every worker is held ----------------------------------------------+
  ///                        +--------------- a worker moves again, or nothing is left to run -------------> parked
  ///
  /// Changed under the workers' lock. Only a `regular` worker and a stand-in take what others have queued. The other
  /// two give away what others may run, and run the fibers that are bound to their thread; a parked worker has none,
  /// and has given back stacks and records.
  enum Duty: UInt8, AtomicRepresentable {
    case regular
    /// Takes no fiber any more that has not begun on it.
    case retiring
    /// Sleeps, except for the timers that were set on it, until it is given another duty.
    case parked
    /// Beyond the number of workers, where fibers migrate or the scheduler is the shared one: runs what held workers have queued; see `Monitor`.
    case standIn

    var takesFibers: Bool { self == .regular || self == .standIn }
  }
}
