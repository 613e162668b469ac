import Synchronization

/// What a worker has done; written by its thread, readable by all.
struct WorkerCounters: ~Copyable {
  /// Switches so far; the monitor sees by it whether the worker moves.
  let switches = Atomic<Int>(0)
  let spawned = Atomic<Int>(0)
  let ended = Atomic<Int>(0)
  /// Blocks taken from the heap here for fibers and scopes.
  let allocations = Atomic<Int>(0)
  /// Barriers on every running thread that this one has asked the kernel for.
  let fences = Atomic<Int>(0)
  /// Waits begun here whose end comes from outside, less those that ended here.
  let expected = Atomic<Int>(0)
  /// How many fibers have begun here and not ended; 0 where fibers migrate.
  let begun = Atomic<Int>(0)
}

/// What a scheduler counts that is no single worker's.
struct SchedulerCounters: ~Copyable {
  /// How often a worker has taken fibers over from another.
  let steals = Atomic<Int>(0)
  /// How often the queue of a worker that did not get anywhere was taken over.
  let takeovers = Atomic<Int>(0)
  /// Fibers that other threads than the workers have spawned, and those of them that never ran.
  let spawnedOutside = Atomic<Int>(0)
  let endedOutside = Atomic<Int>(0)
}
