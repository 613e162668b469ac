import Nursery
import Testing

/// Two clients share an operation or an abstraction, and one of them is cancelled at any point: the other one succeeds,
/// and nothing is lost, left behind or held (Flatt and Findler 2004).
///
/// Every schedule with at most one preemption; if they are more than 500, as many of them, and 50 at random.
struct KillSafetyLawTests {
  private static let cases = Case.all(
    having: [.pends, .readiesWhileParked], without: [.isExternal, .breaks, .pairsUp], in: [.bare, .verb])

  @Test(arguments: cases)
  func aClientThatIsCancelledLeavesTheOperationToAnother(example: Case) throws {
    try explore(example.specimen, example.form)
  }

  private func explore(_ specimen: some AnySpecimen, _ form: Form) throws {
    try underTheSchedulesOfTwoClients { bench in
      let fixture = try specimen.make(bench)
      try Trial(bench: bench, place: .oneWorker, specimen: specimen, form: form, fixture: fixture).killOneOfTwo()
    }
  }

  @Test(arguments: SharedUse.all)
  func aClientThatIsCancelledLeavesTheAbstractionToAnother(shared: SharedUse) throws {
    try underTheSchedulesOfTwoClients { bench in
      let parts = try shared.make(bench)
      let clients = ["victim", "survivor"].map { name in
        let use = Box(parts.use)
        return bench.nursery.goAsync(name) { try use.value() }
      }
      Fiber.yield()
      clients[0].cancel()
      _ = try clients[0].result()
      try clients[1].wait()
      try parts.use()
      waitUntilAllParked()
      try parts.check()
    }
  }

  private func underTheSchedulesOfTwoClients(_ body: (Bench) throws -> Void) throws {
    let round = { try Bench.run(isVirtual: true, body) }
    let limit = isSanitized ? 20 : 500
    let report = try exploreSchedules(.exhaustive(limit: limit, preemptions: 1), round)
    #expect(report.schedules > 1)
    if !report.isExhausted { try exploreSchedules(.random(count: limit / 10, seed: 1), round) }
  }
}

extension Trial {
  /// Two clients perform the operation, which becomes ready once, and one of them is cancelled.
  fileprivate func killOneOfTwo() throws {
    let victim = bench.nursery.goAsync("victim") { perform() }
    let survivor = bench.nursery.goAsync("survivor") { perform() }
    let meet = isTimed ? bench.patience : .zero
    bench.nursery.goAsync("helper") {
      if meet > .zero { try sleep(for: meet) }
      try fixture.makeReady()
    }
    if meet > .zero { try sleep(for: meet) }
    Fiber.yield()
    victim.cancel()
    // A fiber that is cancelled before it runs performs nothing.
    let outcome = (try? victim.wait())?.outcome ?? .cancelled
    guard outcome == specimen.outcome || outcome == .cancelled else { throw Broken("the victim ended with \(outcome)") }
    var commits = outcome == .cancelled ? 0 : 1
    waitUntilAllParked()
    if commits == 0 || isTimed || survivor.isFinished {
      let other = try survivor.wait().outcome
      try hold(other == specimen.outcome, "the survivor ended with \(other)")
      commits += 1
    } else {
      survivor.cancel()
      try hold(try survivor.wait().outcome == .cancelled, "the survivor was not cancelled")
    }
    let effects = fixture.effects()
    let least = fixture.effectsOfCommit
    try hold((least...least * commits) ~= effects, "\(effects) effects of \(commits) commits")
    try hold(fixture.waiters() == 0, "a waiter is left")
  }
}
