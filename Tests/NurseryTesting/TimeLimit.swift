import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// One test whose time is watched.
final class TimeLimit: Sendable {
  private struct State {
    var due = FiberClock.now
    var task: Task<Void, any Error>?
    var hasExpired = false
    var hasEnded = false
  }

  private let name: String
  private let trait: TimeoutTrait
  private let runs: TestRuns
  private let record: @Sendable (String) -> Void
  private let taskLocals = TaskLocalValues.ofCaller
  /// Held while the issue is recorded: a test that ends meanwhile waits for its issue.
  private let state = Protected(State())

  init(_ name: String, _ trait: TimeoutTrait, _ runs: TestRuns, _ record: @escaping @Sendable (String) -> Void) {
    self.name = name
    self.trait = trait
    self.runs = runs
    self.record = record
  }

  /// Called when the test begins.
  func begin() {
    state.withLock { $0.due = FiberClock.now + trait.limit }
    TestWatch.shared.add(self)
  }

  /// Says which task runs the test.
  func willCancel(_ task: Task<Void, any Error>) {
    let hasExpired = state.withLock { state in
      state.task = task
      return state.hasExpired
    }
    if hasExpired { task.cancel() }
  }

  /// When `expire` is to be called.
  var due: FiberClock.Instant { state.withLock { $0.due } }

  /// Called when the test has ended; says whether its time was over before.
  func end() -> Bool {
    TestWatch.shared.remove(self)
    return state.withLock { state in
      state.hasEnded = true
      state.task = nil
      return state.hasExpired
    }
  }

  /// Called on the watching thread when it is due: cancels the test, and the second time ends the process.
  func expire() {
    let task: Task<Void, any Error>? = state.withLock { state in
      if state.hasEnded { return nil }
      if state.hasExpired { endProcess() }
      state.hasExpired = true
      let text = "not ended after \(trait.limit)\n\(dumps)"
      if TaskLocalValues.canBeBound {
        Performer.current().withTaskLocals(taskLocals) { record(text) }
      } else {
        record(text)
      }
      state.due = FiberClock.now + trait.grace
      return state.task
    }
    task?.cancel()
    runs.cancel("the test's time is over")
  }

  /// What its fibers are doing, and which of them wait for each other alone.
  private var dumps: String {
    runs.dumps.map { dump in ([dump.description] + dump.suspects.map { "\($0)" }).joined(separator: "\n") }
      .joined(separator: "\n")
  }

  private func endProcess() -> Never {
    System.writeToStandardError(
      """
      \(name) was cancelled after \(trait.limit), and has not ended \(trait.grace) later: its fibers compute, or a plain thread waits. \
      The process ends.
      \(dumps)

      """)
    // A thread that hangs may hold a stream's lock.
    signal(SIGALRM, SIG_DFL)
    alarm(2)
    fflush(nil)
    _exit(EXIT_FAILURE)
  }
}
