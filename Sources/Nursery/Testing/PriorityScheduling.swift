/// The choices of one run in which fibers have random priorities that change at a few random moments: probabilistic
/// concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic
/// Guarantees of Finding Bugs, ASPLOS 2010).
///
/// The fiber with the highest priority runs. At each of `depth - 1` decisions, drawn from the expected length of the
/// run, the one that would have run is put below all that have not been moved. A fiber that yields goes below
/// everybody; otherwise one that waits by yielding would keep out those it waits for.
///
///     priority   what for
///     depth...   as drawn, when the fiber is first seen
///     1..<depth  after a change
///     ...0       after a yield
///
/// Of our own: only decisions between two fibers or more are counted as steps, since a change elsewhere shows at the
/// next of those.
final class PriorityScheduling {
  private let numbers: SeededNumbers
  private let depth: Int
  /// At which decisions a priority changes; the place of a change is the new priority, less one.
  private let changes: [Int]
  private var priorities: [UInt64: Int] = [:]
  private var lowest = 0
  private var step = 0

  /// - Parameter length: how many decisions between fibers the run is expected to take; zero if nothing is known.
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
