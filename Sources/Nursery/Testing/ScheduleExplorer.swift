/// Runs a body under one schedule after another.
///
/// The exhaustive search is depth first. A run follows a prefix of choices and then takes the first alternatives. The
/// next run changes the last choice that has an alternative left. This visits every leaf of the tree of decisions once,
/// and needs memory for one path only (stateless model checking: Godefroid, VeriSoft, POPL 1997). A bound on
/// preemptions prunes the tree: once it is reached, going on is the only alternative (iterative context bounding:
/// Musuvathi and Qadeer, PLDI 2007).
struct ScheduleExplorer {
  /// The choices that the next run begins with, and how many alternatives each had when it was last taken.
  private var prefix: [Int] = []
  private var expectedCounts: [Int] = []
  private var last = Schedule()
  private var limits: RecordedDecisions.Limits
  private let injection: CancellationInjection?
  private let onSuppressedError: @Sendable (any Error) -> Void
  private var passed = 0
  /// Whether a run has depended on something outside.
  private var dependsOnOutside = false
  private var deepest = 0
  /// The largest number of decisions between fibers in one run; the expected length of the next one.
  private var longest = 0

  /// - Parameter injection: called at every blocking call.
  init(
    maximumDecisions: Int, injection: CancellationInjection? = nil,
    onSuppressedError: @escaping @Sendable (any Error) -> Void = { _ in }
  ) {
    limits = RecordedDecisions.Limits(decisions: maximumDecisions)
    self.injection = injection
    self.onSuppressedError = onSuppressedError
  }

  mutating func explore(_ strategy: ExplorationStrategy, _ body: () throws -> Void) throws -> ExplorationReport {
    switch strategy {
    case .exhaustive(let limit, let preemptions):
      limits.preemptions = preemptions
      while passed < limit {
        try run(.first, body)
        guard turnToNext() else { return report(isExhausted: true) }
      }
    case .random(let count, let seed):
      let seeds = SeededNumbers(seed: seed)
      while passed < count { try run(.random(SeededNumbers(seed: seeds.next())), body) }
    case .pct(let count, let seed, let depth):
      let seeds = SeededNumbers(seed: seed)
      while passed < count {
        try run(.priorities(PriorityScheduling(seed: seeds.next(), depth: depth, length: longest)), body)
      }
    case .replay(let text):
      prefix = try Schedule(replaying: text).choices
      try run(.first, body)
    }
    return report(isExhausted: false)
  }

  private mutating func run(_ guide: RecordedDecisions.Guide, _ body: () throws -> Void) throws {
    let record = RecordedDecisions(
      prefix: prefix, expectedCounts: expectedCounts, guide: guide, limits: limits, injection: injection)
    let inventory = Inventory()
    let decisions = Decisions(record, inventory: inventory)
    var configuration = Configuration(parallelism: 1, clock: .virtual, seed: 0)
    configuration.onSuppressedError = onSuppressedError
    configuration.makeDecisions = { decisions }
    var failure: (any Error)?
    do {
      try runFibers(configuration, body)
    } catch {
      failure = error
    }
    last = record.schedule
    deepest = max(deepest, last.choices.count)
    longest = max(longest, record.fiberDecisions)
    dependsOnOutside = dependsOnOutside || decisions.dependsOnOutside
    let endedEarly: ExplorationError? =
      last.choices.count < prefix.count && !dependsOnOutside ? .nondeterministic : nil
    let finding = record.finding(dependsOnOutside: dependsOnOutside) ?? endedEarly
    if let found = finding ?? failure ?? Self.leak(inventory.leftovers) {
      throw ExplorationFailure(error: found, replay: last.replay, passed: passed)
    }
    passed += 1
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

  private func report(isExhausted: Bool) -> ExplorationReport {
    ExplorationReport(schedules: passed, isExhausted: isExhausted && !dependsOnOutside, deepest: deepest)
  }
}
