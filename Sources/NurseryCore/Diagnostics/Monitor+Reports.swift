import Synchronization

extension Monitor {
  /// Tells of fibers that compute for longer than a time slice, and of fibers that share a worker while another sleeps.
  final class Reports: @unchecked Sendable {
    /// What has been told of one worker.
    struct State {
      fileprivate var isStallTold = false
      fileprivate var isHoldLinted = false
      /// Since when fibers that have begun wait for too long there while another worker sleeps; 0 for not at all.
      fileprivate var crowdedSince: Int64 = 0
    }

    private let onStall: (@Sendable (Scheduler.Stall) -> Void)?
    private let onImbalance: (@Sendable (Scheduler.Imbalance) -> Void)?
    private let lints: LintReports
    private let lock = SpinLock(.leaf)
    /// What a worker has answered; under the lock.
    @exclusivity(unchecked) private var answer: (site: SourceSite, fibers: Int)?
    @exclusivity(unchecked) private var toldSites: Set<SourceSite> = []

    private static let patience: Int64 = 100_000_000

    init(_ configuration: Configuration, _ lints: LintReports, _ meter: SchedulerMeter?) {
      self.lints = lints
      let onStall = configuration.onStall
      if let meter {
        self.onStall = { stall in
          meter.note(stall)
          onStall?(stall)
        }
      } else {
        self.onStall = onStall
      }
      onImbalance = configuration.onImbalance
    }

    var tellsOfStalls: Bool { onStall != nil || lints.areAskedFor }

    /// Called at each inspection.
    func look(
      _ scheduler: Scheduler, _ seen: inout [Seen], _ now: Int64, _ elapsed: Int64, _ tell: (() -> Void) -> Void
    ) {
      if tellsOfStalls { lookForStalls(scheduler, &seen, now, tell) }
      guard !scheduler.settings.migrates, seen.count > 1 else { return }
      lookForCrowds(scheduler, &seen, now, elapsed)
      if let imbalance = takeAnswer(scheduler) { tell { self.tell(imbalance) } }
    }

    // MARK: Stalls

    private func lookForStalls(
      _ scheduler: Scheduler, _ seen: inout [Seen], _ now: Int64, _ tell: (() -> Void) -> Void
    ) {
      let slice = scheduler.settings.timeSlice
      for index in seen.indices {
        let duration = now - seen[index].unmovedSince
        if seen[index].moved != 0 || seen[index].isAsleep {
          seen[index].reported.isStallTold = false
          seen[index].reported.isHoldLinted = false
        }
        let worker = scheduler.workers[index]
        let all = worker.pointee.queue.count + worker.pointee.inbox.count
        let isStall = onStall != nil && !seen[index].reported.isStallTold && duration >= slice
        let isLint =
          lints.areAskedFor && all > 0 && !seen[index].reported.isHoldLinted
          && duration >= slice * LintReports.patienceInSlices
        guard !seen[index].isAsleep, isStall || isLint else { continue }
        // A fiber that is not found yet, as its run is only beginning, is looked for again.
        guard let fiber = scheduler.findRunning(on: worker, sinceSwitch: seen[index].switches) else { continue }
        if isStall { seen[index].reported.isStallTold = true }
        if isLint { seen[index].reported.isHoldLinted = true }
        let fresh = worker.pointee.queue.freshCount + worker.pointee.inbox.freshCount
        let stall = Scheduler.Stall(
          fiber: fiber.label, nurseryPath: fiber.path, site: fiber.site, duration: .nanoseconds(duration),
          begunWaiting: max(0, all - fresh), freshWaiting: fresh,
          snapshot: RunningStack.take(of: fiber.record, on: worker, sinceSwitch: seen[index].switches),
          recording: isStall && scheduler.isRecording ? scheduler.takeRecording() : nil)
        if isStall { tell { onStall?(stall) } }
        if isLint {
          // Its text takes a while, in which the monitor has more to do.
          let line = fiber.site.isKnown ? "\(fiber.site)" : nil
          tell { lints.reportLater(.heldWorker, at: { line }) { _ in "\(stall)" } }
        }
      }
    }

    // MARK: Imbalances

    /// Asks a worker, which alone may look at its queue, which fibers it has kept waiting for long.
    private func lookForCrowds(_ scheduler: Scheduler, _ seen: inout [Seen], _ now: Int64, _ elapsed: Int64) {
      let doesOneSleep = seen.indices.contains {
        seen[$0].isAsleep && scheduler.workers[$0].duty == .regular
      }
      for index in seen.indices {
        let queue = scheduler.workers[index].pointee.queue
        let begun = queue.begunCount
        // With the one that runs. Fibers that talk to each other wait for less, and are best left together.
        let isCrowded =
          doesOneSleep && begun > 0 && StealPolicy.isSlow(begun + 1, moved: seen[index].moved, in: elapsed)
        if !isCrowded {
          seen[index].reported.crowdedSince = 0
        } else if seen[index].reported.crowdedSince == 0 {
          seen[index].reported.crowdedSince = now
        } else if now - seen[index].reported.crowdedSince >= Self.patience {
          seen[index].reported.crowdedSince = now
          queue.isCrowdWanted = true
        }
      }
    }

    /// Called by a worker that has been asked.
    func answer(_ crowd: (site: SourceSite, fibers: Int)) {
      lock.withLock { answer = crowd }
    }

    private func takeAnswer(_ scheduler: Scheduler) -> Scheduler.Imbalance? {
      let found = lock.withLock {
        defer { answer = nil }
        return answer
      }
      guard let found, toldSites.insert(found.site).inserted else { return nil }
      return Scheduler.Imbalance(site: found.site, fibers: found.fibers, workers: scheduler.workers.regularCount)
    }

    private func tell(_ imbalance: Scheduler.Imbalance) {
      #if DEBUG
        System.writeToStandardError("nursery: \(imbalance)\n")
      #endif
      onImbalance?(imbalance)
    }
  }
}

extension Scheduler {
  /// The fiber that has run on a worker since its switch number `switches`; nil if it has been switched off meanwhile.
  ///
  /// A record is another fiber's as soon as its own has ended, so it is looked for among the children of the scopes,
  /// whose locks keep it.
  fileprivate func findRunning(on worker: WorkerRef, sinceSwitch switches: Int) -> Found? {
    guard let rootScope else { return nil }
    let running = worker.pointee.running.load(ordering: .acquiring)
    if let running, rootScope.pointee.host == running { return Found(record: running, label: "the root fiber") }
    var found: Found?
    rootScope.withLock {
      rootScope.visitInside { scope in
        scope.pointee.nursery?.forEachChild { fiber in
          if fiber == running { found = Found(record: fiber, label: fiber.label, path: scope.path, site: fiber.site) }
        }
        return found == nil
      }
    }
    let isStillRunning = worker.pointee.counters.switches.load(ordering: .acquiring) == switches
    return isStillRunning ? found : nil
  }

  fileprivate struct Found {
    let record: FiberRef
    let label: String
    var path = ""
    var site = SourceSite()
  }
}

extension WorkerRef {
  /// Answers the monitor.
  @inline(never)
  func tellCrowd() {
    pointee.queue.isCrowdWanted = false
    guard let crowd = pointee.queue.crowd else { return }
    pointee.scheduler!._withUnsafeGuaranteedRef { $0.monitor!.reports.answer(crowd) }
  }
}

extension UnsafeMutablePointer<RunQueue> {
  /// The line that has spawned most of the fibers that are queued, have begun and were not spread; called by the owner,
  /// where no thief takes them.
  fileprivate var crowd: (site: SourceSite, fibers: Int)? {
    var counts: [SourceSite.Key: (site: SourceSite, fibers: Int)] = [:]
    func count(_ first: FiberRef?) {
      var rest = first
      while let fiber = rest {
        rest = fiber.pointee.next
        if fiber.pointee.queueing.isSpread { continue }
        counts[fiber.site.key, default: (fiber.site, 0)].fibers += 1
      }
    }
    count(pointee.due.first)
    count(pointee.list.first)
    return counts.values.filter { $0.fibers > 1 && $0.site.isKnown }.max { $0.fibers < $1.fibers }
  }
}
