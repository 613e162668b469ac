import Synchronization

// The one thread that looks at busy workers from outside. A worker looks at nothing but its own queue while it has
// fibers to run; what it would hold up meanwhile, the monitor serves:
//
//     fresh fibers     in a queue that is slow or stands still are offered: a sleeping worker wakes and takes half, or one more is started
//     timers           of a worker that does not move, if they concern fibers of others
//     a shared reactor if no worker has polled it since the last inspection
//     held queues      if no worker sleeps, what a held worker has queued goes to the workers that move; with `migration: .whenWaiting`, or
//                      in the shared scheduler, and no worker moving, a stand-in runs it
//     reports          stalls and imbalances (`Monitor+Reports`)
//
//     unstarted -- first fresh fiber, second worker, or `onStall` --> looking <----- a worker goes to work -----+
//                                                                     |   ^                                     |
//                             nothing to offer: period x 2, up to 1 ms|   | offered, or hurried                 |
//                                                                     v   |                                     |
//                                                                    pacing -- all sleep, none has moved --> resting
//
// Invariants. While a worker runs fibers, the monitor does not rest: a worker that wakes counts itself, and then looks
// for a resting monitor; the monitor announces that it rests, and then looks for a thread that is awake. Each sleeping
// worker wakes for its own timers, so a resting monitor has none to keep. It rests one inspection after the last sign
// of life, so a server with short pauses does not wake it after each. (Tests/Models/sleep.pml finds what is lost
// otherwise.)
//
// What the monitor takes, it has in hand: it counts as awake until it has queued it, and if all have fallen asleep
// meanwhile, it wakes a worker, which acts for all.
final class Monitor: @unchecked Sendable {
  private enum Phase: UInt8, AtomicRepresentable {
    case unstarted
    /// Looks again soon.
    case looking
    /// Sleeps for longer than the shortest period.
    case pacing
    /// Sleeps until a worker goes to work.
    case resting
  }

  private let phase = Atomic<Phase>(.unstarted)
  /// Set by a worker that has run out of work.
  private let isAsked = Atomic<Bool>(false)
  private let sleep: UnsafeMutablePointer<SleepWord>
  /// Zero until there is a thread.
  private let thread = Atomic<UInt>(0)
  @exclusivity(unchecked) private var scheduler: Unmanaged<Scheduler>?
  let reports: Reports

  // Used on the monitor's thread alone.
  @exclusivity(unchecked) private var seen: [Seen] = []
  @exclusivity(unchecked) private var lastLook: Int64 = 0
  @exclusivity(unchecked) private var period = StealPolicy.standstill
  /// When a worker has asked that has got nothing yet; long ago, if none has.
  @exclusivity(unchecked) private var askedAt: Int64 = 0
  @exclusivity(unchecked) private var polls = -1
  /// Whether a thread was awake at the last inspection, or has run a fiber since the one before.
  @exclusivity(unchecked) private var isLively = true

  /// What is remembered of a worker from one inspection to the next.
  struct Seen {
    var switches = 0
    /// How many switches since the last inspection.
    var moved = 0
    /// Since when it has not moved; now, for one that sleeps.
    var unmovedSince: Int64 = 0
    var isAsleep = true
    var familyEpoch = 0
    /// Since when one family has waited; now, if none does.
    var familySince: Int64 = 0
    var reported = Reports.State()
  }

  init(_ reports: Reports) {
    self.reports = reports
    sleep = .new(SleepWord())
  }

  deinit {
    sleep.destroy()
  }

  // MARK: What workers call

  @inline(__always)
  var isStarted: Bool { phase.load(ordering: .relaxed) != .unstarted }

  /// For the deadlock detector: a thread that is started counts only when it exists.
  var threadCount: Int { thread.load(ordering: .acquiring) == 0 ? 0 : 1 }

  /// Called with the workers' lock held; without a thread the workers carry on, and the next call tries again.
  func start(for scheduler: Scheduler) {
    guard !isStarted, !scheduler.isStopping.load(ordering: .relaxed) else { return }
    self.scheduler = .passUnretained(scheduler)
    phase.store(.looking, ordering: .relaxed)
    let argument = Unmanaged.passUnretained(self).toOpaque()
    if let started = try? System.startThread("fibers-monitor", argument, monitorThread) {
      thread.store(started, ordering: .releasing)
    } else {
      phase.store(.unstarted, ordering: .relaxed)
    }
  }

  /// Called by a thread that has woken and found a fiber to run, before it runs it.
  @inline(__always)
  func noteWork() {
    if phase.load(ordering: .sequentiallyConsistent) == .resting { sleep.wake() }
  }

  /// Called by a worker that has nothing to run, and has seen fibers in another's queue that are not offered.
  func hurry() {
    isAsked.store(true, ordering: .relaxed)
    if phase.load(ordering: .relaxed) == .pacing { sleep.wake() }
  }

  /// Ends the thread; the scheduler is stopping.
  func stop() {
    sleep.wake()
    let started = thread.load(ordering: .acquiring)
    if started != 0 { System.joinThread(started) }
  }

  // MARK: The thread

  fileprivate func run() {
    scheduler!._withUnsafeGuaranteedRef { scheduler in
      begin(scheduler)
      while !scheduler.isStopping.load(ordering: .acquiring) {
        if !pause(scheduler) { inspect(scheduler) }
      }
    }
  }

  /// Sleeps for a period, or while all sleep; true if it has rested, so that what it remembers is old.
  private func pause(_ scheduler: Scheduler) -> Bool {
    defer { sleep.pointee.rise() }
    sleep.pointee.prepare()
    if !isLively {
      phase.store(.resting, ordering: .sequentiallyConsistent)
      if scheduler.workers.areAllAsleep, !scheduler.isStopping.load(ordering: .sequentiallyConsistent) {
        sleep.wait(nanoseconds: -1)
        begin(scheduler)
        return true
      }
    }
    phase.store(period > StealPolicy.standstill ? .pacing : .looking, ordering: .relaxed)
    sleep.wait(nanoseconds: period)
    return false
  }

  /// Begins to look: what the workers have done so far is the past.
  private func begin(_ scheduler: Scheduler) {
    phase.store(.looking, ordering: .relaxed)
    period = StealPolicy.standstill
    note(scheduler, System.monotonicNow())
    isLively = true
  }

  private func inspect(_ scheduler: Scheduler) {
    let now = System.monotonicNow()
    let elapsed = now - lastLook
    if elapsed < StealPolicy.standstill {
      // Hurried, right after a look.
      period = StealPolicy.standstill
      return
    }
    note(scheduler, now)
    let isAsked = isAsked.exchange(false, ordering: .relaxed)
    if isAsked { askedAt = now }
    var hasOffered = false
    for index in seen.indices where !seen[index].isAsleep {
      let worker = scheduler.workers[index]
      if seen[index].moved == 0 { fireTimers(of: worker, scheduler) }
      if offer(worker, seen[index], now, elapsed, scheduler) { hasOffered = true }
    }
    // A worker takes its share only, and may compute then.
    if !scheduler.globalQueue.isEmpty, scheduler.wakeWorker() { hasOffered = true }
    pollReactor(scheduler)
    relieveHeldWorkers(scheduler, now, hasOffered)
    reports.look(scheduler, &seen, now, elapsed) { tell in act(scheduler, tell) }
    scheduler.stackPool.returnUnneededIfDue()
    if hasOffered { askedAt = 0 }
    period = hasOffered || isAsked ? StealPolicy.standstill : min(period * 2, StealPolicy.longestWait)
  }

  /// Notes where each worker is.
  private func note(_ scheduler: Scheduler, _ now: Int64) {
    isLively = false
    let count = scheduler.workers.count
    while seen.count < count {
      let switches = scheduler.workers[seen.count].pointee.counters.switches.load(ordering: .relaxed)
      seen.append(Seen(switches: switches, unmovedSince: now))
    }
    for index in 0..<count {
      let worker = scheduler.workers[index]
      let switches = worker.pointee.counters.switches.load(ordering: .relaxed)
      seen[index].moved = switches &- seen[index].switches
      seen[index].switches = switches
      seen[index].isAsleep = worker.pointee.sleep.pointee.isAsleep
      if seen[index].moved != 0 || seen[index].isAsleep { seen[index].unmovedSince = now }
      let epoch = worker.pointee.queue.familyEpoch
      if epoch != seen[index].familyEpoch || epoch & 1 == 0 { seen[index].familySince = now }
      seen[index].familyEpoch = epoch
      if seen[index].moved != 0 || !seen[index].isAsleep { isLively = true }
    }
    lastLook = now
  }

  // MARK: What it serves

  /// Runs `body`, which has fibers in hand, as one that is awake.
  private func act(_ scheduler: Scheduler, _ body: () -> Void) {
    scheduler.workers.noteWaking()
    body()
    if scheduler.workers.noteSleeping() { scheduler.wakeWorker() }
  }

  /// Fires what is due on a worker that does not move, if it may concern fibers of others.
  private func fireTimers(of worker: WorkerRef, _ scheduler: Scheduler) {
    let timers = worker.pointee.timers
    guard scheduler.settings.migrates || timers.haveScopes, !scheduler.isVirtual else { return }
    guard timers.earliest <= scheduler.now else { return }
    act(scheduler) { _ = timers.fire(scheduler.now) }
  }

  /// Offers the fresh fibers of a worker, where the policy says so; true if a worker will come for them.
  private func offer(
    _ worker: WorkerRef, _ seen: Seen, _ now: Int64, _ elapsed: Int64, _ scheduler: Scheduler
  ) -> Bool {
    let isSlow = StealPolicy.isSlow(
      worker.pointee.queue.stealableCount, moved: seen.moved, in: elapsed, familyAge: now - seen.familySince,
      isAskedFor: now - askedAt < StealPolicy.longestWait)
    worker.pointee.queue.isOffered = isSlow
    guard isSlow, scheduler.callWorker() else { return false }
    if seen.moved == 0 { scheduler.counters.takeovers.add(1, ordering: .relaxed) }
    return true
  }

  private func pollReactor(_ scheduler: Scheduler) {
    guard let reactor = scheduler.sharedReactor else { return }
    let asked = reactor.asked.load(ordering: .relaxed)
    if isLively, asked == polls { act(scheduler) { reactor.poll() } }
    polls = reactor.asked.load(ordering: .relaxed)
  }

  /// Lets others run what workers have queued that have not moved for a time slice, while no worker sleeps.
  private func relieveHeldWorkers(_ scheduler: Scheduler, _ now: Int64, _ hasOffered: Bool) {
    let workers = scheduler.workers.indices.prefix(seen.count)
    let slice = scheduler.settings.timeSlice
    func isHeld(_ index: Int) -> Bool { !seen[index].isAsleep && now - seen[index].unmovedSince >= slice }
    func duty(_ index: Int) -> Worker.Duty { scheduler.workers[index].duty }
    if hasOffered { return }
    let isOneFree = scheduler.workers.hasRoom || workers.contains { duty($0) == .regular && !isHeld($0) }
    if isOneFree { scheduler.dismissStandIns() }
    guard isOneFree || scheduler.settings.hasStandIns else { return }
    for index in workers where isHeld(index) { relieve(scheduler.workers[index], scheduler) }
    if isOneFree || scheduler.globalQueue.isEmpty { return }
    // One whose fibers are bound to its thread stays a stand-in while they wait, and sleeps.
    if let index = workers.first(where: { duty($0) == .standIn && seen[$0].isAsleep }) {
      scheduler.workers[index].pointee.sleep.wake()
    } else if !workers.contains(where: { duty($0) == .standIn && !isHeld($0) }) {
      scheduler.callStandIn()
    }
  }

  /// Moves what can be stolen of a worker to the global queue; of very many, some: the rest can wait for the next
  /// inspection.
  private func relieve(_ worker: WorkerRef, _ scheduler: Scheduler) {
    guard worker.pointee.queue.stealableCount > 0 else { return }
    act(scheduler) {
      var taken = 0
      while taken < 8, let chain = worker.pointee.queue.steal(atMost: 128) {
        taken += 1
        scheduler.queueGlobally(chain)
      }
      if taken > 0 { scheduler.counters.takeovers.add(1, ordering: .relaxed) }
      scheduler.callWorker()
    }
  }
}

private let monitorThread: System.ThreadBody = { argument in
  Unmanaged<Monitor>.fromOpaque(argument!)._withUnsafeGuaranteedRef { $0.run() }
  return nil
}
