extension Scheduler {
  /// Whether growing queues are left to their workers for the time being, and somebody keeps an eye on them.
  var isKeptTogether: Bool { sharing.isPaused && isWatched }

  /// A worker that has run dry looks back whether its last steal was worth it.
  func judgeSteal(_ me: WorkerRef) {
    guard let (time, cost) = me.pointee.trial.endSteal() else { return }
    sharing.judgeSteal(time, cost: cost, now: System.monotonicNow())
  }

  /// Called now and then while it works: a worker that waits for locks too much leaves its fibers to an earlier one.
  func retreatIfClashing(_ me: WorkerRef) {
    if me.pointee.index > 0, me.pointee.trial.isClashing() { giveQueueToEarlierWorker(me) }
  }

  private func giveQueueToEarlierWorker(_ me: WorkerRef) {
    // Whoever is told to leave gives up his queue under the lock, or after he has been seen to be told.
    lock.lock()
    defer { lock.unlock() }
    guard me.pointee.duty.load(ordering: .relaxed) == .regular,
      let heir = (0..<me.pointee.index).lazy.map({ self.worker($0) }).first(where: {
        $0.pointee.duty.load(ordering: .relaxed) == .regular && !$0.pointee.sleep.pointee.isAsleep
      })
    else { return }
    sharing.pause(System.monotonicNow())
    me.pointee.trial.forgetSteal()
    guard let chain = me.pointee.queue.popAll() else { return }
    if !heir.pointee.queue.give(chain, by: me) { return me.queueChain(chain) }
    // He may be about to sleep: he announces it and then looks into his queue.
    fullFence()
    heir.pointee.sleep.wake()
  }
}
