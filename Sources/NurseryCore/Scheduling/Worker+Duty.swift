import Synchronization

extension Worker {
  /// What a worker's thread is there for.
  ///
  ///     (new place) --> regular --- retireWorker ---> leaving --- has given everything up ---> gone
  ///                      ^   ^                           |                                      |
  ///                      |   +------- spawnWorker -------+                                      |
  ///                      +--- spawnWorker, or a call for help: another thread in its place -----+
  ///                                                                                             |
  ///     (new place) --> spare <------------- one more is needed: another thread in its place ---+
  ///
  /// Changed under the scheduler's lock. A `regular` worker looks after its queue and its timers; in all other states another thread
  /// else does, too. A worker that is gone keeps its record until the scheduler ends: fibers say which worker they ran on, and
  /// offers in whose timers they stand.
  enum Duty: UInt8, AtomicRepresentable {
    case regular
    /// Told to leave: it gives up what it has as soon as the running fiber suspends.
    case leaving
    /// Its thread has ended, or does nothing any more but end.
    case gone
    /// Beyond the number of workers; see `Scheduler+Spares`.
    case spare
  }
}
