import Synchronization

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
    /// Beyond the number of workers, where fibers migrate: runs what held workers have queued; see `Monitor`.
    case standIn

    var takesFibers: Bool { self == .regular || self == .standIn }
  }
}
