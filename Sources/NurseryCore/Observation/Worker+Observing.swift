import CSwitch
import Synchronization

// What a worker does is observed at few places: where a fiber gives its worker to another, is made ready, is spawned,
// ends, and where a scope is opened or closed. Each place loads one byte, `active`, which is zero unless something
// observes; all else is out of line.

extension FiberRef {
  /// Its number in a recording.
  fileprivate var recordedID: UInt64 {
    runsOnScheduler && pointee.kind != .loop ? pointee.identity.id : RecordedEvent.nobody
  }
}

extension WorkerRef {
  /// Whether something observes what happens here; the one load of every hook.
  @inline(__always)
  var isObserved: Bool { pointee.instruments.active.load(ordering: .relaxed) != 0 }

  private func isObserved(by instrument: UInt8) -> Bool {
    pointee.instruments.active.load(ordering: .relaxed) & instrument != 0
  }

  /// Adds an event to this worker's ring; called on its thread.
  @inline(__always)
  fileprivate func record(_ event: RecordedEvent, _ text: String? = nil) {
    if isObserved(by: Worker.Instruments.recorder) { append(event, text) }
  }

  /// As `record`, where the recorder is known to be on.
  @inline(__always)
  private func append(_ event: RecordedEvent, _ text: String? = nil) {
    // Acquired: what turns the recorder on publishes the ring before the bit.
    guard let ring = pointee.instruments.ring.load(ordering: .acquiring) else { return }
    let time = ring.pointee.usesTicks ? cs_ticks() : slowTime
    if let text {
      ring.pointee.append(time, event.info, event.subject, event.object, text: text)
    } else {
      ring.pointee.append(time, event.info, event.subject, event.object)
    }
  }

  private var slowTime: Int64 {
    pointee.scheduler!._withUnsafeGuaranteedRef { $0.recorder!.time($0.isVirtual ? $0.now : 0) }
  }

  /// The fiber whose doing it is what happens here; none while the worker looks outside.
  fileprivate var actor: UInt64 {
    pointee.pace.looksOutside ? RecordedEvent.nobody : pointee.current.recordedID
  }

  // MARK: Hooks

  /// The worker is about to run `next`.
  ///
  /// - Parameter me: the fiber before; nil if it has ended.
  @inline(never)
  func observeSwitch(from me: FiberRef?, to next: FiberRef, _ departure: RecordedEvent.Departure) {
    let active = pointee.instruments.active.load(ordering: .relaxed)
    if active != Worker.Instruments.recorder {
      measureSwitch(from: me, to: next, departure)
      if pointee.instruments.habits != nil { noteHabits(of: me, departure) }
      if active & Worker.Instruments.recorder == 0 { return }
    }
    var departure = departure
    var place: UInt64 = 0
    var kind: UInt = 0
    if let me {
      place = UInt64(UInt32(truncatingIfNeeded: me.pointee.identity.id))
      if me.pointee.kind == .loop {
        departure = .idles
      } else if departure == .waits {
        let count = Int(me.pointee.wait.offerCount.load(ordering: .relaxed))
        if count > 0 {
          place |= UInt64(UInt16(clamping: count)) << 32
          kind = me.firstOffer(of: count).pointee.source._withUnsafeGuaranteedRef { $0.waitKind.word }
        } else {
          departure = .joins
        }
      }
    }
    append(
      RecordedEvent(
        .switched, detail: departure.rawValue, place: place, subject: next.recordedID, object: UInt64(kind)))
  }

  /// A fiber is about to be queued, on this worker's thread.
  @inline(never)
  func observeWake(_ fiber: FiberRef, _ turn: Turn) {
    fiber.measureWake(pointee.scheduler)
    if !isObserved(by: Worker.Instruments.recorder) { return }
    let actor = actor
    record(fiber.wakeEvent(turn, isLookingOutside: actor == RecordedEvent.nobody, by: actor))
  }

  /// As `pushNext` of the queue; a function of its own, so that the usual way keeps no register for it.
  @inline(never)
  func pushNextObserved(_ fiber: FiberRef) {
    observeWake(fiber, .next)
    pointee.queue.pushNext(fiber)
  }

  /// A child has been made on this worker's thread.
  @inline(never)
  func observeSpawn(_ fiber: FiberRef) {
    fiber.measureWake(pointee.scheduler)
    record(fiber.spawnEvent, fiber.name)
  }

  /// The fiber that runs here has opened a scope.
  @inline(never)
  func observeOpening(_ scope: ScopeRef, _ kind: RecordedEvent.Scope, _ name: String = "") {
    record(scope.openingEvent(kind), name.isEmpty ? nil : name)
  }
}

extension WorkerRef {
  /// This worker has taken fibers over from another.
  @inline(never)
  func observeSteal(_ first: FiberRef, from victim: WorkerRef) {
    record(
      RecordedEvent(.stolen, subject: first.recordedID, object: UInt64(victim.pointee.place.index)))
  }

  /// A descriptor has been found ready, by this worker's thread.
  @inline(never)
  func observeReadiness(_ number: Int32, _ ready: UInt8) {
    record(RecordedEvent(.descriptor, detail: ready, subject: UInt64(number)))
  }
}

extension FiberRef {
  /// The offer of the branch that is written first.
  fileprivate func firstOffer(of count: Int) -> OfferRef {
    let offers = pointee.wait.offers.unsafelyUnwrapped
    for index in 0..<count where (offers + index).pointee.index == 0 { return offers + index }
    return offers
  }

  fileprivate func wakeEvent(_ turn: Turn, isLookingOutside: Bool, by actor: UInt64) -> RecordedEvent {
    var cause = isLookingOutside ? RecordedEvent.Cause.outside : .fiber
    var branch: UInt64 = 0
    if isFresh {
      cause = .turn
    } else if pointee.wait.offerCount.load(ordering: .relaxed) > 0 {
      if pointee.wait.verdict == .cancelled {
        cause = .cancellation
      } else if turn == .soon {
        cause = .timer
      }
      branch = UInt64(UInt16(truncatingIfNeeded: pointee.wait.winner))
    }
    return RecordedEvent(.woken, detail: cause.rawValue, place: branch, subject: recordedID, object: actor)
  }

  fileprivate var spawnEvent: RecordedEvent {
    RecordedEvent(.spawned, place: home.recordedAddress, subject: recordedID, object: site.word)
  }

  /// The fiber is made ready by a thread that is not its worker's.
  @inline(never)
  func observeWakeElsewhere(_ turn: Turn) {
    let owner = pointee.worker
    if let here = Worker.ofThisThreadIfAny, here.isOfSameScheduler(as: owner) { return here.observeWake(self, turn) }
    measureWake(owner.pointee.scheduler)
    owner.pointee.scheduler!._withUnsafeGuaranteedRef {
      $0.record(wakeEvent(turn, isLookingOutside: true, by: RecordedEvent.nobody))
    }
  }

  /// The fiber, whose end is about to be published, has run, or will not.
  @inline(never)
  func observeEnd(_ body: Unmanaged<FiberBody>) {
    let ending: RecordedEvent.Ending = body._withUnsafeGuaranteedRef { body in
      guard body.status == .failed, let error = body.error else { return .completed }
      return error is CancellationError ? .cancelled : .failed
    }
    let event = RecordedEvent(.ended, detail: ending.rawValue, place: home.recordedAddress, subject: recordedID)
    pointee.worker.pointee.scheduler?._withUnsafeGuaranteedRef { $0.record(event) }
  }

  /// The fiber, the host, is about to close a scope.
  @inline(never)
  func observeClosing(_ scope: ScopeRef) {
    let parent = scope.pointee.links.parent?.recordedAddress ?? 0
    pointee.worker.record(RecordedEvent(.closed, place: scope.recordedAddress, subject: parent))
  }

  /// A coroutine has left its scopes, the innermost of which is given, or is in them again, on this fiber.
  @inline(never)
  func observeSuspension(_ innermost: ScopeRef, in base: ScopeRef, isResumption: Bool) {
    let kind = isResumption ? RecordedEvent.Kind.resumed : .suspended
    pointee.worker.record(
      RecordedEvent(kind, place: innermost.recordedAddress, subject: base.recordedAddress))
  }

  /// The fiber passes a mark, or begins or ends a span.
  fileprivate func record(_ kind: RecordedEvent.Kind, _ name: StaticString) {
    let event = RecordedEvent(kind, subject: recordedID, object: UInt64(UInt(bitPattern: name.utf8Start)))
    pointee.worker.pointee.scheduler?._withUnsafeGuaranteedRef { $0.record(event) }
  }
}

extension Performer {
  /// Records what the user says of the calling fiber, if its worker is recorded.
  package static func record(_ kind: RecordedEvent.Kind, _ name: StaticString) {
    if let worker = Worker.ofThisThreadIfAny, worker.isObserved { worker.pointee.current.record(kind, name) }
  }
}

extension ScopeRef {
  /// What it is called in a recording, while it is open.
  var recordedAddress: UInt64 { UInt64(UInt(bitPattern: self)) }

  /// Records that the scope's deadline has ended it; called on the host when the scope is closed.
  ///
  /// - Returns: what the error keeps of it; nil if nothing is recorded.
  package func recordTimeout() -> TimeoutRecord? {
    guard let host = pointee.host, let scheduler = pointee.scheduler else { return nil }
    return scheduler._withUnsafeGuaranteedRef { scheduler in
      guard scheduler.isRecording, let recorder = scheduler.recorder else { return nil }
      let number = recorder.numberTimeout()
      scheduler.record(
        RecordedEvent(.timedOut, place: recordedAddress, subject: host.recordedID, object: number))
      return TimeoutRecord(
        recorder, number: number, hostName: host.name, hostSite: host.site,
        isDeterministic: scheduler.decisions != nil)
    }
  }

  fileprivate func openingEvent(_ kind: RecordedEvent.Scope) -> RecordedEvent {
    RecordedEvent(
      .opened, detail: kind.rawValue, place: recordedAddress, subject: pointee.links.parent?.recordedAddress ?? 0,
      object: site.word)
  }
}

extension Scheduler {
  /// Records an event of the calling thread, whichever that is.
  @inline(never)
  func record(_ event: RecordedEvent, _ text: String? = nil) {
    guard recording.isOn.load(ordering: .relaxed), let recorder else { return }
    guard let here = Worker.ofThisThreadIfAny,
      here.pointee.scheduler?.toOpaque() == Unmanaged.passUnretained(self).toOpaque()
    else { return recorder.append(outside: event, text: text) }
    here.record(event, text)
  }

  /// Records that a thread that is no worker has spawned a fiber.
  func recordSpawn(_ fiber: FiberRef) {
    fiber.measureWake(.passUnretained(self))
    record(fiber.spawnEvent, fiber.name)
  }

  /// Records a cancellation, by the calling fiber or thread.
  func recordCancellation(of scope: ScopeRef, _ reason: CancellationReason) {
    if !isRecording { return }
    let detail: RecordedEvent.Reason =
      switch reason {
      case .requested: .requested
      case .deadline: .deadline
      case .failure: .failure
      case .drained: .drained
      case .ended: .ended
      }
    record(
      RecordedEvent(
        .cancelled, detail: detail.rawValue, place: scope.recordedAddress, object: actor))
  }

  /// Records the cancellation of a fiber alone.
  func recordCancellation(of fiber: FiberRef) {
    if isRecording { record(RecordedEvent(.cancelled, subject: fiber.recordedID, object: actor)) }
  }

  /// The fiber of this scheduler that runs on the calling thread, and has brought about what happens.
  private var actor: UInt64 {
    guard let here = Worker.ofThisThreadIfAny,
      here.pointee.scheduler?.toOpaque() == Unmanaged.passUnretained(self).toOpaque()
    else { return RecordedEvent.nobody }
    return here.actor
  }

  /// Records that a scope of daemons has been opened.
  func recordOpening(_ scope: ScopeRef) { record(scope.openingEvent(.daemons)) }
}
