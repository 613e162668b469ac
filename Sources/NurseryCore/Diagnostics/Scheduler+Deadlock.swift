import Synchronization

// A deadlock is reported only when it is certain: when no thread of the process is left that could wake a fiber.
//
// Only a thread could; a signal handler must not touch what fibers wait on. The threads we can answer for are the
// scheduler's workers and its monitor, plain threads that sleep in an operation without a timer, those of the blocking
// pool that have nothing to do, those of consoles that wait for a request (`AttendantThread`), and the helper's
// (`OutsideThread`), which sleeps as a plain thread does. All of them asleep is not enough, because one may have been called and not know it yet, and they cannot be looked at all at once.
// So they are looked at twice:
//
//     1  every worker sleeps, and so many other threads       (each was asleep at some instant of this step)
//     2  the process has these threads and no other           (at one instant)
//     3  no thread has been called: nothing queued, no inbox filled, no timer, no descriptor
//     4  no thread has woken or fallen asleep since 1
//
// By 4 all of them slept from the end of 1 to the end of 3, so at the instant of 2 no thread was awake that could call
// another later, and one called before would have been found in 3. From then on nothing changes: only a thread could
// start another. (Tests/Models/deadlock.pml finds what goes wrong when a step is left out or comes too early.)
//
// None of it is paid for by a program that runs: the last worker to fall asleep sets the kernel's timer, and looks when
// it has not been called for a while; then after twice that, and so on.
extension Scheduler {
  private static let shortestPatience: Int64 = 200_000_000

  /// Whether it may be the end when all workers sleep; not while a descriptor is waited for, which is how servers
  /// sleep.
  var suspectsDeadlocks: Bool { settings.onDeadlock == .fail && !expectsOutside }

  /// Sleeps until called: the last one to fall asleep, with no timer to wait for.
  ///
  /// A worker that looks and finds nothing stays announced, so to the others it is one long sleep.
  func sleepUntilCalledOrDeadlocked(_ me: WorkerRef) {
    var patience = Self.shortestPatience
    var epochBefore = workers.wakeEpoch
    while true {
      let isTimeUp = me.pointee.sleep.wait(nanoseconds: patience)
      guard me.pointee.sleep.pointee.isAsleep else { return }
      guard isTimeUp else { continue }
      returnStacks(me)
      if breakDeadlockIfCertain() { return }
      let epoch = workers.wakeEpoch
      patience = epoch == epochBefore ? patience * 2 : Self.shortestPatience
      epochBefore = epoch
    }
  }

  private func breakDeadlockIfCertain() -> Bool {
    // Under the lock no other sleeper fires timers or finds the same.
    timeLock.lock()
    defer { timeLock.unlock() }
    let isCertain = isDeadlocked
    if isCertain { breakDeadlock(listingThreads: true) }
    return isCertain
  }

  private var isDeadlocked: Bool {
    if isAnythingComing { return false }
    let epoch = workers.wakeEpoch
    guard workers.areAllAsleep else { return false }
    let own = workers.count + (monitor?.threadCount ?? 0)
    let threads = PlainThread.parked
    let helpers = BlockingPool.sharedIdle
    let attendants = AttendantThread.idle
    let others =
      System.launcherThreadCount + SignalWatch.threadCount + PeriodicThread.threadCount + attendants.count
    guard System.threadCount == own + threads.count + helpers.count + others else { return false }
    if isAnythingComing || PlainThread.isOneCalled { return false }
    if PlainThread.parked != threads || BlockingPool.sharedIdle != helpers || AttendantThread.idle != attendants {
      return false
    }
    // Steps 3 before step 4.
    atomicMemoryFence(ordering: .acquiring)
    return workers.wakeEpoch == epoch
  }

  /// Whether a fiber can run, or something is known that will make one able to.
  private var isAnythingComing: Bool {
    if !OutsideReactor.isIdle || expectsOutside { return true }
    if !globalQueue.isEmpty { return true }
    for index in workers.indices {
      let worker = workers[index]
      if worker.pointee.queue.count > 0 || worker.pointee.timers.earliest != .max { return true }
      if !worker.pointee.inbox.isEmpty { return true }
    }
    return false
  }

  /// Notes the deadlock and cancels the root, which lets everything unwind.
  ///
  /// All fibers are parked, and the plain threads that are listed. If the cancellation wakes none, or those it wakes
  /// wait again, shielded, then the run cannot end, and the error would never be seen: the process ends with it
  /// instead.
  func breakDeadlock(listingThreads: Bool = false) {
    let found = describe(listingThreads: listingThreads)
    guard outcome.deadlock == nil else {
      fatalError(
        "\(found)\nThese waits are shielded from the cancellation that was to end them; bound them: withShield { try withTimeout(...) { ... } }"
      )
    }
    outcome.deadlock = found
    rootScope!.cancel(.requested("deadlock"))
  }

  /// On a thread of its own: to make the names of types takes more stack than a worker's loop may have.
  private func describe(listingThreads: Bool) -> DeadlockError {
    var fibers: [DeadlockError.ParkedFiber] = []
    var recording: Recording?
    System.callOnThread("fibers-report") {
      fibers = rootScope!.parkedFibers
      if isRecording { recording = takeRecording() }
      guard listingThreads else { return }
      var threads: [WorkerRef] = []
      PlainThread.forEachParked { if !OutsideThread.serves($0) { threads.append($0) } }
      // Without the lock, because the description of a user's operation is the user's code.
      for thread in threads { fibers.append(thread.pointee.current.parked) }
    }
    return DeadlockError(fibers: fibers, recording: recording)
  }
}
