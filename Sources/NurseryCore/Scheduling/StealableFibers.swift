/// The fibers of a run queue that have not begun; under the queue's lock.
struct StealableFibers: ~Copyable {
  var families = FiberList()
  var fresh = FiberList()
  /// Counts steals.
  var steals: UInt32 = 0
  /// The last of the fresh fibers before those that the running fiber has queued; good while nothing was picked or
  /// stolen since.
  var batchStart: FiberRef?
  var batchTurn: UInt32 = 0
  var batchSteals: UInt32 = 0
}
