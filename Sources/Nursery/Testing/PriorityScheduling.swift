/// The choices of one run in which fibers have random priorities that change at a few random moments: probabilistic
/// concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic
/// Guarantees of Finding Bugs, ASPLOS 2010).
///
/// The fiber with the highest priority runs. The priorities change at `depth - 1` decisions, which are drawn from the
/// expected length of the run. There the fiber with the highest priority is moved below all fibers that have not been
/// moved. A fiber that yields is moved below all others. Otherwise a fiber that waits by yielding would keep the fibers
/// it waits for from running.
///
///     priority   given
///     depth...   at random, when the fiber is first seen
///     1..<depth  at a change
///     ...0       at a yield
///
/// Unlike the paper, only decisions between two or more fibers count as steps, because a change elsewhere has its
/// effect at the next of those.
final class PriorityScheduling {
  private let numbers: SeededNumbers
  private let depth: Int
  /// The decisions at which a priority changes; the index of a change is the new priority less one.
  private let changes: [Int]
  private var priorities: [UInt64: Int] = [:]
  private var lowest = 0
  private var step = 0

  /// - Parameter length: the expected number of decisions between fibers; zero if unknown.
  init(seed: UInt64, depth: Int, length: Int) {
    let numbers = SeededNumbers(seed: seed)
    self.numbers = numbers
    self.depth = max(1, depth)
    changes = length == 0 ? [] : (1..<self.depth).map { _ in 1 + numbers.next(below: length) }
  }

  func pickFiber(_ runnable: RunnableFibers) -> Int {
    step += 1
    var index = highest(runnable)
    for (place, change) in changes.enumerated() where change == step {
      priorities[runnable[index]] = place + 1
      index = highest(runnable)
    }
    return index
  }

  func pickBranch(below count: Int) -> Int { numbers.next(below: count) }

  func lower(_ fiber: UInt64) {
    priorities[fiber] = lowest
    lowest -= 1
  }

  private func highest(_ runnable: RunnableFibers) -> Int {
    var best = 0
    var bestPriority = priority(runnable[0])
    for index in 1..<runnable.count {
      let candidate = priority(runnable[index])
      if candidate > bestPriority { (best, bestPriority) = (index, candidate) }
    }
    return best
  }

  private func priority(_ fiber: UInt64) -> Int {
    if let known = priorities[fiber] { return known }
    let drawn = depth + numbers.next(below: Int.max - depth)
    priorities[fiber] = drawn
    return drawn
  }
}
