// What a worker looks for while a handler has asked for lints: at the places where it is observed (`Worker+Observing`),
// and where a cancelled fiber asks whether it is.
typealias WorkerHabitsRef = UnsafeMutablePointer<WorkerHabits>

/// What is noted on one worker, whose thread alone uses it.
struct WorkerHabits: ~Copyable {
  fileprivate let reports: LintReports
  /// How long a cancelled fiber may run before it looks.
  fileprivate let patience: Int64
  /// When the fiber that runs was put on the worker.
  fileprivate var switchedAt: Int64
  /// When a cancelled fiber was last at a cancellation point.
  fileprivate var lastPoint: Int64 = 0
  /// The kinds of waits, with the lines of their spawns, of which a stack has been looked at.
  fileprivate var seenWaits: Set<WaitOfSite> = []
  fileprivate var lookedAt: Int64 = 0

  fileprivate struct WaitOfSite: Hashable {
    let site: UInt64
    let kind: UInt
  }

  init(_ settings: Scheduler.Settings, now: Int64) {
    reports = settings.lints
    patience = settings.timeSlice * LintReports.patienceInSlices
    switchedAt = now
  }
}

extension WorkerRef {
  /// The worker is about to run another fiber than `me`; called on its thread.
  @inline(never)
  func noteHabits(of me: FiberRef?, _ departure: RecordedEvent.Departure) {
    guard let habits = pointee.instruments.habits else { return }
    let now = now
    habits.pointee.switchedAt = now
    guard departure == .waits, let me, me.runsOnScheduler, me.pointee.kind != .loop else { return }
    let count = Int(me.pointee.wait.offerCount.load(ordering: .relaxed))
    guard count > 0, let offers = me.pointee.wait.offers else { return }
    let kind = offers.pointee.source._withUnsafeGuaranteedRef { $0.waitKind.word }
    lookForDeinit(habits, WorkerHabits.WaitOfSite(site: me.site.word, kind: kind), now)
  }

  /// Looks at the stack of each kind of wait once, and every 20 ms at that of any.
  private func lookForDeinit(_ habits: WorkerHabitsRef, _ wait: WorkerHabits.WaitOfSite, _ now: Int64) {
    let isNew = habits.pointee.seenWaits.count < 10_000 && habits.pointee.seenWaits.insert(wait).inserted
    guard isNew || now - habits.pointee.lookedAt >= 20_000_000 else { return }
    habits.pointee.lookedAt = now
    let frames = StackFrames.ofCaller()
    guard DeallocFrame.isAmong(frames) else { return }
    habits.pointee.reports.reportLater(.waitInDeinit, frames) { line in
      "an operation waits at \(line) in a deinit, and holds up whichever fiber drops the last reference, under any lock; signal a Condition or call trySend there, which do not wait, or wait in a method such as close(), called in a defer"
    }
  }

  /// The running fiber, which is cancelled since this instant, is at a cancellation point.
  @inline(never)
  func noteCancellationPoint(_ fiber: FiberRef, since cancelled: Int64?) {
    guard let habits = pointee.instruments.habits, pointee.current == fiber else { return }
    let now = now
    let last = max(habits.pointee.switchedAt, habits.pointee.lastPoint)
    habits.pointee.lastPoint = now
    guard let cancelled else { return }
    let stretch = now - max(last, cancelled)
    guard stretch >= habits.pointee.patience else { return }
    let label = fiber.label
    habits.pointee.reports.reportLater(.lateCancellationPoint, StackFrames.ofCaller()) { line in
      "\(label), which was cancelled, ran for \(stretch / 1_000_000) ms until it came to a cancellation point at \(line): call Fiber.checkCancellation() in loops that compute, and wrap calls that block the thread in blocking(onCancel:)"
    }
  }
}

extension FiberRef {
  /// The fiber has asked whether it is cancelled, and is.
  @inline(never)
  func noteCancellationPoint(_ expiry: Int64) {
    guard let worker = Worker.ofThisThreadIfAny, worker == pointee.worker else { return }
    guard worker.pointee.instruments.habits != nil else { return }
    worker.noteCancellationPoint(self, since: expiry > .min ? expiry : scope.cancelledAt)
  }
}

extension LintReports {
  /// Those of the run whose thread calls, or of the process.
  static var current: LintReports { of(Worker.ofThisThreadIfAny) }

  /// Those of the performer's run, or of the process.
  static func of(_ performer: FiberRef) -> LintReports { of(performer.pointee.worker) }

  private static func of(_ worker: WorkerRef?) -> LintReports {
    worker?.pointee.scheduler?._withUnsafeGuaranteedRef { $0.settings.lints } ?? ofProcess
  }
}
