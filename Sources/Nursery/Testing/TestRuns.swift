/// What the runs of fibers in one test have in common: the configuration of those that are given none, and a way to
/// see and end them from outside.
///
/// The traits of NurseryTesting bind it around a test, as a task-local: the test's body may go on on another thread.
package final class TestRuns: Sendable {
  /// The innermost one around the caller.
  package static let current = TaskLocal<TestRuns?>(wrappedValue: nil)

  private struct Live {
    var nurseries: [(nursery: Nursery, scheduler: Scheduler)] = []
    var isTaken = false
    var count = 0
    /// Why all of them are cancelled, later ones too.
    var reason: String?
  }

  private let outer: TestRuns?
  private let configuration: Configuration?
  private let isExclusive: Bool
  private let live = Protected(Live())

  /// - Parameters:
  ///   - configuration: of runs that are given none; nil for what an enclosing one says.
  ///   - isExclusive: whether only one run at a time can have it. Others have the default.
  package init(_ configuration: Configuration? = nil, isExclusive: Bool = false) {
    outer = Self.current.get()
    self.configuration = configuration
    self.isExclusive = isExclusive
  }

  /// How many runs have had the configuration.
  package var count: Int { live.withLock { $0.count } }

  /// What their fibers are doing; if there is no run now, what all fibers and threads of the process are doing.
  package var dumps: [FiberDump] {
    let schedulers = live.withLock { $0.nurseries.map(\.scheduler) }
    return schedulers.isEmpty ? [.all()] : schedulers.map { $0.dump() }
  }

  /// Cancels the runs that go on now, and those that begin later.
  package func cancel(_ reason: String) {
    let nurseries = live.withLock { live in
      live.reason = reason
      return live.nurseries.map(\.nursery)
    }
    for nursery in nurseries { nursery.cancel(reason) }
  }

  private func take() -> Configuration? {
    guard let configuration else { return outer?.take() }
    return live.withLock { live in
      if isExclusive, live.isTaken { return nil }
      live.isTaken = true
      live.count += 1
      return configuration
    }
  }

  private func giveBack() {
    if configuration == nil { outer?.giveBack() } else { live.withLock { $0.isTaken = false } }
  }

  private func add(_ nursery: Nursery, _ scheduler: Scheduler) {
    let reason = live.withLock { live in
      live.nurseries.append((nursery, scheduler))
      return live.reason
    }
    if let reason { nursery.cancel(reason) }
    outer?.add(nursery, scheduler)
  }

  private func remove(_ nursery: Nursery) {
    live.withLock { $0.nurseries.removeAll { $0.nursery === nursery } }
    outer?.remove(nursery)
  }
}

extension TestRuns {
  /// One run, in a test or not.
  final class Run: Sendable {
    let configuration: Configuration
    private let runs: TestRuns?
    private let hasTaken: Bool
    private let isConfigured: Bool
    private let nursery = Protected<Nursery?>(nil)

    /// - Parameter configuration: what the caller has written.
    init(_ configuration: Configuration?) {
      runs = TestRuns.current.get()
      let taken = configuration == nil ? runs?.take() : nil
      hasTaken = taken != nil
      isConfigured = configuration != nil
      self.configuration = configuration ?? taken ?? Configuration()
    }

    /// Whether it may run beside others in the shared scheduler: it is given no configuration, and no test watches it.
    var mayShare: Bool { !isConfigured && runs == nil }

    /// Notes the outermost nursery; called on the root fiber.
    func note(_ nursery: Nursery) {
      guard let runs, let scheduler = Scheduler.current else { return }
      self.nursery.withLock { $0 = nursery }
      runs.add(nursery, scheduler)
    }

    /// Called when the run is over.
    func end() {
      guard let runs else { return }
      if let nursery = nursery.withLock({ $0.take() }) { runs.remove(nursery) }
      if hasTaken { runs.giveBack() }
    }
  }
}
