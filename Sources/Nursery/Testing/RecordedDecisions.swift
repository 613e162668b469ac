/// Follows a prefix of choices, then its guide, and keeps a record.
final class RecordedDecisions: DecisionMaker {
  /// Makes the choices after the prefix.
  enum Guide {
    /// Always the first alternative: the running fiber goes on.
    case first
    case random(SeededNumbers)
    case priorities(PriorityScheduling)
  }

  /// The limits of a run.
  struct Limits {
    /// Decisions and yields.
    var decisions: Int
    /// After this many preemptions a fiber that can go on does; nil for no bound.
    var preemptions: Int?
  }

  private(set) var schedule = Schedule()
  /// How many decisions were between fibers.
  private(set) var fiberDecisions = 0
  /// The explorer's own finding about the body.
  private var finding: ExplorationError?
  private let prefix: [Int]
  private let expectedCounts: [Int]
  private let guide: Guide
  private let limits: Limits
  private let injection: CancellationInjection?
  private var yields = 0
  private var preemptions = 0
  private var isStopped = false

  init(
    prefix: [Int], expectedCounts: [Int], guide: Guide, limits: Limits, injection: CancellationInjection?
  ) {
    self.prefix = prefix
    self.expectedCounts = expectedCounts
    self.guide = guide
    self.limits = limits
    self.injection = injection
  }

  func pickFiber(_ runnable: RunnableFibers) -> Int {
    fiberDecisions += 1
    let mayPreempt = limits.preemptions.map { preemptions < $0 } ?? true
    let count = runnable.firstCanGoOn && !mayPreempt ? 1 : runnable.count
    let choice = record(count: count) {
      switch guide {
      case .first: 0
      case .random(let numbers): numbers.next(below: count)
      case .priorities(let priorities): priorities.pickFiber(runnable)
      }
    }
    if runnable.firstCanGoOn, choice > 0 { preemptions += 1 }
    return choice
  }

  func pickBranch(below count: Int) -> Int {
    record(count: count) {
      switch guide {
      case .first: 0
      case .random(let numbers): numbers.next(below: count)
      case .priorities(let priorities): priorities.pickBranch(below: count)
      }
    }
  }

  /// The explorer's finding about the body.
  ///
  /// If something outside takes part, runs may differ, so that is no finding.
  func finding(dependsOnOutside: Bool) -> ExplorationError? {
    if dependsOnOutside, case .nondeterministic = finding { return nil }
    return finding
  }

  func willBlock() { injection?.willBlock() }

  func willYield(_ fiber: UInt64) {
    yields += 1
    if case .priorities(let priorities) = guide { priorities.lower(fiber) }
    stopIfTooLong()
  }

  private func record(count: Int, _ guided: () -> Int) -> Int {
    let index = schedule.choices.count
    let wanted = index < prefix.count ? prefix[index] : guided()
    if wanted >= count || index < expectedCounts.count && expectedCounts[index] != count {
      finding = finding ?? .nondeterministic
    }
    let choice = min(wanted, count - 1)
    schedule.choices.append(choice)
    schedule.counts.append(count)
    stopIfTooLong()
    return choice
  }

  /// Ends a run that is too long: cancels everything, once.
  private func stopIfTooLong() {
    let length = schedule.choices.count + yields
    guard length > limits.decisions else { return }
    if !isStopped {
      isStopped = true
      finding = finding ?? .tooLong(decisions: limits.decisions)
      Scheduler.cancelCurrent()
    } else if length > 2 * limits.decisions + 100_000 {
      fatalError(
        "\(finding!); the body was cancelled and still goes on: "
          + "a loop that never waits must ask Fiber.isCancelled, or call Fiber.checkCancellation()"
      )
    }
  }
}
