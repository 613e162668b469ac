/// Which schedules of a body to run.
public enum ExplorationStrategy: Sendable, Hashable {
  /// Every schedule there is, depth first, up to a number of them.
  ///
  /// With `preemptions`, only those in which a fiber that could go on has to let another one run first at most so
  /// often; waits, ends and yields do not count. There are far fewer of these, and most mistakes show with two
  /// preemptions already.
  case exhaustive(limit: Int, preemptions: Int? = nil)
  /// This many random ones; the seed determines them.
  case random(count: Int, seed: UInt64)
  /// This many, in each of which the fibers have random priorities that change at random `depth - 1` times; the seed
  /// determines them.
  ///
  /// Better than `random` at what takes a certain order of a few events in a long run: a mistake that needs `depth`
  /// events to happen in order is found by each schedule with a probability of at least 1 / (n · k^(depth - 1)), for n
  /// fibers and k decisions, however they are distributed over the run. A depth of 1 means priorities that never
  /// change.
  case pct(count: Int, seed: UInt64, depth: Int = 3)
  /// The one that a failure named; the empty string is the one in which every fiber runs until it waits.
  case replay(String)
}
