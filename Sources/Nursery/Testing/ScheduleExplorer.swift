/// The decisions of one run: which alternative was taken, of how many.
struct Schedule: Equatable {
  var choices: [Int] = []
  var counts: [Int] = []

  init() {}

  /// Reads a replay string.
  init(replaying text: String) {
    choices = text.split(separator: ".").compactMap { Int($0) }
  }

  /// The choices up to the last that differs from the default, which is the first alternative.
  var replay: String {
    let significant = choices.lastIndex { $0 != 0 }.map { choices[...$0] } ?? []
    return significant.map(String.init).joined(separator: ".")
  }
}

/// Runs a body under one schedule after the other.
///
/// Depth first: a run follows the prefix of choices it was given and takes the first alternative from there on; the next run turns the
/// last choice that has an alternative left. That visits every leaf of the tree of decisions once, and needs no memory but
/// one path (stateless model checking: Godefroid, VeriSoft, POPL 1997).
struct ScheduleExplorer {
  /// The choices that the next run begins with, and how many alternatives each had when it was last taken.
  var prefix: [Int] = []
  private var expectedCounts: [Int] = []
  private var last = Schedule()
  private(set) var passed = 0
  private var deepest = 0
  private let maximumDecisions: Int

  init(maximumDecisions: Int) {
    self.maximumDecisions = maximumDecisions
  }

  mutating func run(_ body: () throws -> Void, tail: SeededNumbers? = nil) throws {
    let record = RecordedDecisions(
      prefix: prefix, expectedCounts: expectedCounts, tail: tail, maximum: maximumDecisions)
    var configuration = Configuration(parallelism: 1, clock: .virtual, seed: 0)
    configuration.onSuppressedError = { _ in }
    let decisions = Decisions { record.decide($0) }
    configuration.makeDecisions = { decisions }
    var failure: (any Error)?
    do {
      try runFibers(configuration, body)
    } catch {
      failure = error
    }
    last = record.schedule
    deepest = max(deepest, last.choices.count)
    let endedEarly: ExplorationError? = last.choices.count < prefix.count ? .nondeterministic : nil
    if let found = record.finding ?? endedEarly ?? failure {
      throw ExplorationFailure(error: found, replay: last.replay, passed: passed)
    }
    passed += 1
  }

  /// Sets the prefix to the next path of the tree; false when every path has been taken.
  mutating func turnToNext() -> Bool {
    guard let turn = last.choices.indices.last(where: { last.choices[$0] + 1 < last.counts[$0] }) else { return false }
    prefix = Array(last.choices[..<turn]) + [last.choices[turn] + 1]
    expectedCounts = Array(last.counts[...turn])
    return true
  }

  func report(isExhausted: Bool) -> ExplorationReport {
    ExplorationReport(schedules: passed, isExhausted: isExhausted, deepest: deepest)
  }
}

/// Follows a prefix, then another source of decisions or the first alternative, and keeps a record.
private final class RecordedDecisions {
  private(set) var schedule = Schedule()
  /// What the explorer itself has against the body.
  private(set) var finding: ExplorationError?
  private let prefix: [Int]
  private let expectedCounts: [Int]
  private let tail: SeededNumbers?
  private let maximum: Int

  init(prefix: [Int], expectedCounts: [Int], tail: SeededNumbers?, maximum: Int) {
    self.prefix = prefix
    self.expectedCounts = expectedCounts
    self.tail = tail
    self.maximum = maximum
  }

  func decide(_ count: Int) -> Int {
    let index = schedule.choices.count
    let choice = index < prefix.count ? prefix[index] : tail?.next(below: count) ?? 0
    if choice >= count || index < expectedCounts.count && expectedCounts[index] != count {
      finding = finding ?? .nondeterministic
    }
    if index >= maximum { stop() }
    schedule.choices.append(min(choice, count - 1))
    schedule.counts.append(count)
    return min(choice, count - 1)
  }

  /// Ends a run that goes on and on: cancels everything, once.
  private func stop() {
    guard finding == nil else { return }
    finding = .tooLong(decisions: maximum)
    Scheduler.cancelCurrent()
  }
}
