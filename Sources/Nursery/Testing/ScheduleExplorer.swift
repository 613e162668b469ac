/// Runs a body under one schedule after another.
///
/// The exhaustive search is depth first. A run follows a prefix of choices and then takes the first alternatives. The
/// next run changes the last choice that has an alternative left. This visits every leaf of the tree of decisions once,
/// and needs memory for one path only (stateless model checking: Godefroid, VeriSoft, POPL 1997). A bound on
/// preemptions prunes the tree: once it is reached, going on is the only alternative (iterative context bounding:
/// Musuvathi and Qadeer, PLDI 2007).
package struct ScheduleExplorer {
  /// A run that has begun.
  private struct Attempt {
    let record: RecordedDecisions
    let inventory: Inventory
    let decisions: Decisions
  }

  private let strategy: ExplorationStrategy
  /// For the strategies that go by chance.
  private let seeds: SeededNumbers
  /// The choices that the next run begins with, and how many alternatives each had when it was last taken.
  private var prefix: [Int] = []
  private var expectedCounts: [Int] = []
  private var last = Schedule()
  private var limits: RecordedDecisions.Limits
  private let injection: CancellationInjection?
  private let onSuppressedError: @Sendable (any Error) -> Void
  private var attempt: Attempt?
  private var passed = 0
  /// Whether every path of the tree has been taken.
  private var isExhausted = false
  /// Whether a run has depended on something outside.
  private var dependsOnOutside = false
  private var deepest = 0
  /// The largest number of decisions between fibers in one run; the expected length of the next one.
  private var longest = 0

  /// - Parameter injection: called at every blocking call.
  init(
    _ strategy: ExplorationStrategy, maximumDecisions: Int, injection: CancellationInjection?,
    onSuppressedError: @escaping @Sendable (any Error) -> Void
  ) throws {
    self.strategy = strategy
    self.injection = injection
    self.onSuppressedError = onSuppressedError
    limits = RecordedDecisions.Limits(decisions: maximumDecisions)
    switch strategy {
    case .exhaustive(_, let preemptions):
      limits.preemptions = preemptions
      seeds = SeededNumbers(seed: 0)
    case .random(_, let seed), .pct(_, let seed, _):
      seeds = SeededNumbers(seed: seed)
    case .replay(let text):
      prefix = try Schedule(replaying: text).choices
      seeds = SeededNumbers(seed: 0)
    }
  }

  package init(_ strategy: ExplorationStrategy, maximumDecisions: Int) throws {
    try self.init(strategy, maximumDecisions: maximumDecisions, injection: nil, onSuppressedError: { _ in })
  }

  /// Runs `body` under every schedule of the strategy.
  mutating func explore(_ body: () throws -> Void) throws -> ExplorationReport {
    while let configuration = begin() {
      var failure: (any Error)?
      do {
        try runFibers(configuration, body)
      } catch {
        failure = error
      }
      try end(failure)
    }
    return ExplorationReport(schedules: passed, isExhausted: isExhausted && !dependsOnOutside, deepest: deepest)
  }

  /// The configuration for one run under the next schedule; nil when there is none left.
  package mutating func begin() -> Configuration? {
    guard let guide = nextGuide() else { return nil }
    let record = RecordedDecisions(
      prefix: prefix, expectedCounts: expectedCounts, guide: guide, limits: limits, injection: injection)
    let inventory = Inventory()
    let decisions = Decisions(record, inventory: inventory)
    attempt = Attempt(record: record, inventory: inventory, decisions: decisions)
    var configuration = Configuration(parallelism: 1, clock: .virtual, seed: 0)
    configuration.onSuppressedError = onSuppressedError
    configuration.makeDecisions = { decisions }
    return configuration
  }

  private func nextGuide() -> RecordedDecisions.Guide? {
    switch strategy {
    case .exhaustive(let limit, _): !isExhausted && passed < limit ? .first : nil
    case .random(let count, _): passed < count ? .random(SeededNumbers(seed: seeds.next())) : nil
    case .pct(let count, _, let depth):
      passed < count ? .priorities(PriorityScheduling(seed: seeds.next(), depth: depth, length: longest)) : nil
    case .replay: passed < 1 ? .first : nil
    }
  }

  /// Called when the run is over, with the error that it has ended with.
  ///
  /// - Throws: `ExplorationFailure` with that error, or with what the explorer has found.
  package mutating func end(_ failure: (any Error)?) throws {
    guard let attempt else { return }
    self.attempt = nil
    last = attempt.record.schedule
    deepest = max(deepest, last.choices.count)
    longest = max(longest, attempt.record.fiberDecisions)
    dependsOnOutside = dependsOnOutside || attempt.decisions.dependsOnOutside
    let endedEarly: ExplorationError? =
      last.choices.count < prefix.count && !dependsOnOutside ? .nondeterministic : nil
    let finding = attempt.record.finding(dependsOnOutside: dependsOnOutside) ?? endedEarly
    if let found = finding ?? failure ?? Self.leak(attempt.inventory.leftovers) {
      throw ExplorationFailure(error: found, replay: last.replay, passed: passed)
    }
    passed += 1
    if case .exhaustive = strategy { isExhausted = !turnToNext() }
  }

  private static func leak(_ leftovers: Inventory.Leftovers) -> ExplorationError? {
    if leftovers.isEmpty { return nil }
    return .leak(fibers: leftovers.fibers, stacks: leftovers.stacks, timers: leftovers.timers)
  }

  /// Sets the prefix to the next path of the tree; false when every path has been taken.
  private mutating func turnToNext() -> Bool {
    guard let turn = last.choices.indices.last(where: { last.choices[$0] + 1 < last.counts[$0] }) else { return false }
    prefix = Array(last.choices[..<turn]) + [last.choices[turn] + 1]
    expectedCounts = Array(last.counts[...turn])
    return true
  }
}
