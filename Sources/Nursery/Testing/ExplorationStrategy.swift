/// Which schedules of a body to run.
public enum ExplorationStrategy: Sendable, Hashable {
  /// Every schedule, depth first, up to a limit.
  ///
  /// `preemptions` bounds how often a schedule interrupts a fiber that could go on; waits, ends and yields do not
  /// count. There are far fewer such schedules, and two preemptions show most mistakes.
  case exhaustive(limit: Int, preemptions: Int? = nil)
  /// A number of random schedules, determined by the seed.
  case random(count: Int, seed: UInt64)
  /// A number of schedules in which fibers have random priorities, which change `depth - 1` times at random; determined
  /// by the seed.
  ///
  /// Better than `random` if a mistake needs a few events in a certain order in a long run. Each schedule finds a
  /// mistake that needs `depth` ordered events with a probability of at least 1 / (n · k^(depth - 1)), for n fibers and
  /// k decisions. The position of the events in the run does not matter. With a depth of 1 priorities never change.
  case pct(count: Int, seed: UInt64, depth: Int = 3)
  /// The schedule that a failure named. In the empty string's schedule every fiber runs until it waits.
  case replay(String)
}
