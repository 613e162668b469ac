import Nursery

/// The environment of a trial: a nursery for all participants, and its clock.
struct Bench: Sendable {
  let nursery: Nursery
  let isVirtual: Bool

  /// How long a timed operation takes.
  var patience: Duration { isVirtual ? .seconds(10) : .milliseconds(2) }
  /// A shorter time.
  var impatience: Duration { isVirtual ? .seconds(1) : .milliseconds(1) }

  /// What performs, a fiber or a plain thread, and on how many workers.
  enum Place: String, CaseIterable, Sendable {
    case oneWorker
    case twoWorkers
    case plainThread
  }

  /// Runs `body` on a bench; fibers that still run afterwards are cancelled.
  static func run(at place: Place, isExternal: Bool, _ body: (Bench) throws -> Void) throws {
    let isVirtual = !isExternal && place != .plainThread
    let configuration: Configuration =
      switch place {
      // A hang is a `DeadlockError` here.
      case .oneWorker where isVirtual: .deterministic(seed: 1)
      case .twoWorkers where isVirtual: .virtual(2)
      case .oneWorker: Configuration(parallelism: 1)
      case .twoWorkers, .plainThread: Configuration(parallelism: 2)
      }
    try runFibers(configuration) { try run(isVirtual: isVirtual, body) }
  }

  /// Runs `body` on a bench in the current scheduler.
  static func run(isVirtual: Bool, _ body: (Bench) throws -> Void) throws {
    try withNursery("bench") { nursery in
      try body(Bench(nursery: nursery, isVirtual: isVirtual))
      nursery.cancel()
    }
  }

  /// Makes the operation ready in a separate fiber or thread, and lets all fibers run until they wait.
  func makeReady<Value>(_ fixture: Fixture<Value>, isTimed: Bool) throws {
    let helper = nursery.goAsync("helper") { try fixture.makeReady() }
    if isTimed { try helper.wait() }
    waitUntilAllParked()
  }

  /// As `makeReady`, and past the time of every timed operation.
  func makeReadyInAnyCase<Value>(_ fixture: Fixture<Value>) throws {
    nursery.goAsync("helper") { try fixture.makeReady() }
    waitUntilAllParked()
    guard isVirtual else { return }
    try sleep(for: patience * 2)
    waitUntilAllParked()
  }

  /// Calls `body` in a fiber of the bench or, if `place` says so, on a plain thread.
  func start<Result>(at place: Place, _ body: @escaping () throws -> Result) -> Running<Result> {
    let running = Running<Result>()
    let body = Box(body)
    // Captures the conditions, not the object, because the object holds the thread that holds this closure.
    let run = { [finished = running.finished, hasFinished = running.hasFinished] in
      let result = Swift.Result { try body.value() }
      finished.withLock { $0 = result }
      hasFinished.signal()
    }
    if place == .plainThread {
      running.thread = PlainThread(run)
    } else {
      let run = Box(run)
      nursery.goAsync("performer") { run.value() }
    }
    return running
  }
}

/// A running performer.
final class Running<Value>: @unchecked Sendable {
  fileprivate let finished = Guarded<Result<Value, any Error>?>(nil)
  fileprivate let hasFinished = Condition()
  fileprivate var thread: PlainThread<Void>?

  var isFinished: Bool { hasFinished.isSignalled }

  /// Waits for the end; may be called once.
  func result() throws -> Value {
    try hasFinished.wait()
    try thread?.join()
    return try finished.withLock { $0! }.get()
  }
}
