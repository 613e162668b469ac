/// Makes the choices of a deterministic scheduler in place of chance.
package protocol DecisionMaker: AnyObject {
  /// Which of the fibers, at least two, runs next: its place among them.
  func pickFiber(_ runnable: RunnableFibers) -> Int
  /// Which branch of a choice is asked first: a number below `count`, which is at least 2.
  func pickBranch(below count: Int) -> Int
  /// Called at the beginning of every blocking call, on the fiber that makes it.
  func willBlock()
  /// Called when a fiber yields, on that fiber.
  func willYield(_ fiber: UInt64)
}

extension DecisionMaker {
  package func willBlock() {}
  package func willYield(_ fiber: UInt64) {}
}

/// The fibers among which a decision is made, in an order that depends on nothing but the decisions before.
package struct RunnableFibers {
  let fibers: UnsafeMutableBufferPointer<FiberRef>
  /// Whether the first one has been running and could go on, so that every other choice is a preemption.
  package let firstCanGoOn: Bool

  package var count: Int { fibers.count }
  /// The fiber's number: unique in the process, so not the same from run to run; zero for the root fiber.
  package subscript(index: Int) -> UInt64 { fibers[index].id }
}

/// Makes the choices of a deterministic scheduler: which fiber runs next, and which branch of a choice is polled first.
///
/// A scheduler that is given one has a single worker. Every blocking call is a scheduling point then: another fiber may
/// run before it.
package final class Decisions: @unchecked Sendable {
  /// How the running fiber is being switched off.
  enum Departure {
    /// It waits for something, has ended, or lets others go first.
    case goesLater
    /// It could go on: a scheduling point.
    case canGoOn
  }

  let maker: any DecisionMaker
  /// Holds from the moment in which a fiber is to be switched off until the next one has been picked.
  @exclusivity(unchecked) var departure = Departure.goesLater
  /// The fibers that run when all others wait; in no queue.
  @exclusivity(unchecked) var standsBack: [FiberRef] = []
  /// Whether something outside the scheduler had a part in the run: what it does is not among the decisions.
  @exclusivity(unchecked) package var dependsOnOutside = false
  /// The task whose job runs now, on a fiber.
  @exclusivity(unchecked) var driven: DrivenTask?
  /// Tasks that were committed under a lock, and are resumed at the next decision.
  @exclusivity(unchecked) var wokenTasks: [FiberRef] = []
  /// What has been begun and may be left over; nil where it is not counted.
  package let inventory: Inventory?

  package init(_ maker: any DecisionMaker, inventory: Inventory? = nil) {
    self.maker = maker
    self.inventory = inventory
  }

  func endStandingBack() -> FiberRef? { standsBack.isEmpty ? nil : standsBack.removeFirst() }
}

/// Decisions that follow from a seed.
package final class SeededDecisions: DecisionMaker {
  private let numbers: SeededNumbers

  package init(seed: UInt64) {
    numbers = SeededNumbers(seed: seed)
  }

  package func pickFiber(_ runnable: RunnableFibers) -> Int { numbers.next(below: runnable.count) }
  package func pickBranch(below count: Int) -> Int { numbers.next(below: count) }
}

/// Numbers that follow from a seed (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
package final class SeededNumbers {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  package func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
  }

  package func next(below count: Int) -> Int { Int(truncatingIfNeeded: next() >> 1) % count }
}
