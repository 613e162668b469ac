/// What the recorder, the meter and the lint learn of one blocking call.
///
/// Used with the pool's lock held, except for `record`.
struct CallObservation {
  /// While it is queued: the performer's scheduler, if anything observes it, the performer's number, and since when.
  private var queued: (scheduler: Scheduler, performer: UInt64, since: Int64)?
  /// Once a thread has taken it: the recorder of the performer's scheduler, if it records, and the performer's number.
  private var recorded: (recorder: FlightRecorder, performer: UInt64)?
  /// When it was queued although every thread was taken, and when it began then; 0 for not.
  private(set) var queuedAt: Int64 = 0
  private(set) var begunAt: Int64 = 0

  /// Called by the performer.
  mutating func noteQueued(for performer: FiberRef) {
    let worker = performer.pointee.worker
    guard worker.isObserved, let scheduler = worker.pointee.scheduler?.takeUnretainedValue() else { return }
    queued = (scheduler, performer.id, System.monotonicNow())
  }

  /// Called by the performer: every thread is taken.
  mutating func noteCrowd() { queuedAt = System.monotonicNow() }

  /// Called by the thread that takes the call.
  ///
  /// The performer may run again already, if another branch has won, so nothing is read from it.
  mutating func noteTaken() {
    if queuedAt != 0 { begunAt = System.monotonicNow() }
    guard let (scheduler, performer, since) = queued.take() else { return }
    scheduler.meter?.blockingWait.addShared(System.monotonicNow() - since)
    if scheduler.isRecording, let recorder = scheduler.recorder { recorded = (recorder, performer) }
  }

  /// Called by the thread that runs the call, without a lock.
  mutating func record(_ kind: RecordedEvent.Kind) {
    guard let (recorder, performer) = recorded else { return }
    let thread = UInt64(UInt(bitPattern: Worker.ofThisThreadIfAny))
    recorder.append(outside: RecordedEvent(kind, subject: performer, object: thread))
    if kind == .callEnded { recorded = nil }
  }
}
