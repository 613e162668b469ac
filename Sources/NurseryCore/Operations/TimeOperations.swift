/// The operation that becomes ready a while after it is performed.
///
/// Never early. Zero or negative: ready at once, after the other branches of the choice have been tried. Allocates
/// nothing, and a timer that loses is removed at once.
@inlinable
public func timeoutOp(after duration: Duration) -> Op<Void> { TimerOperation.after(duration.nanosecondsClamped) }

/// The operation that becomes ready a while after it is performed: `timeoutOp`, read as a pause.
@inlinable
public func sleepOp(for duration: Duration) -> Op<Void> { timeoutOp(after: duration) }

/// The operation that becomes ready at an instant of the fiber clock.
public func sleepOp(until deadline: FiberClock.Instant) -> Op<Void> {
  Op(TimerOperation.absolute.takeUnretainedValue(), argument: UInt(bitPattern: Int(deadline.nanoseconds)))
}

/// Suspends the current fiber (or blocks the current plain thread) for a while.
///
/// A cancellation point.
///
/// - Throws: `CancellationError` if the current scope is cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
public func sleep(for duration: Duration) throws { try sleepOp(for: duration).perform() }

/// Suspends the current fiber (or blocks the current plain thread) until an instant.
///
/// A cancellation point.
///
/// - Throws: `CancellationError` if the current scope is cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
public func sleep(until deadline: FiberClock.Instant) throws { try sleepOp(until: deadline).perform() }

/// The clock as a source: the offer stands in the timers of the worker that the performer runs on.
@usableFromInline
final class TimerOperation: OperationSource, @unchecked Sendable {
  // Immortal, and held unmanaged: a class's static constant is asked for anew at each use.
  static let relative = Unmanaged<OperationSource>.passRetained(TimerOperation(isRelative: true))
  static let absolute = Unmanaged<OperationSource>.passRetained(TimerOperation(isRelative: false))

  private let isRelative: Bool

  private init(isRelative: Bool) {
    self.isRelative = isRelative
    super.init()
  }

  @usableFromInline
  static func after(_ nanoseconds: Int64) -> Op<Void> {
    Op(relative.takeUnretainedValue(), argument: UInt(bitPattern: Int(nanoseconds)))
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    Self.attempt(offer, attempt, isRelative: isRelative)
  }

  @inline(__always)
  static func attempt(_ offer: OfferRef, _ attempt: Attempt, isRelative: Bool) -> Answer {
    // Being due is the last resort: the other branches are polled first.
    if attempt == .poll { return .pending }
    let performer = offer.pointee.performer
    let time = Int64(Int(bitPattern: offer.pointee.argument))
    let isDue = isRelative ? time <= 0 : time <= performer.now
    if isDue {
      guard offer.commits(attempt) else { return .lost }
      offer.win()
      return .committed
    }
    guard attempt.enlists else { return .pending }
    let deadline = isRelative ? instant(time, after: performer.now) : time
    // If the perform retries after this wait, the time must not begin anew.
    offer.pointee.source = absolute
    offer.pointee.argument = UInt(bitPattern: Int(deadline))
    enlist(offer, at: deadline, isAlone: attempt == .enlistAlone)
    return .pending
  }

  /// Makes the offer a timer of the performer, which has another offer out.
  @inline(__always)
  static func enlist(_ offer: OfferRef, for performer: FiberRef, index: Int32, after nanoseconds: Int64) -> Answer {
    let worker = performer.pointee.worker
    offer.initialize(
      to: Offer(performer, worker.pointee.pace.clock, argument: 0, index: index, slot: UnsafeMutableRawPointer(worker)))
    if nanoseconds > 0 {
      enlist(offer, at: instant(nanoseconds, after: worker.now), isAlone: false)
      return .pending
    }
    guard performer.commitSelf() else { return .lost }
    offer.win()
    return .committed
  }

  @inline(__always)
  private static func enlist(_ offer: OfferRef, at deadline: Int64, isAlone: Bool) {
    let performer = offer.pointee.performer
    // The slot remembers whose timers these are; the performer may run elsewhere when it takes the offer back.
    let worker = performer.pointee.worker
    offer.pointee.slot = UnsafeMutableRawPointer(worker)
    worker.pointee.timers.insert(.offer(offer), deadline: deadline) { if isAlone { performer.startWaiting() } }
    if performer.pointee.kind == .task { OutsideThread.noteTimer(deadline) }
  }

  override func withdraw(_ offer: OfferRef) { Self.withdraw(offer) }

  @inline(__always)
  static func withdraw(_ offer: OfferRef) {
    offer.pointee.slot.assumingMemoryBound(to: Worker.self).pointee.timers.remove(offer)
  }

  override class var kindDescription: String { "a timer" }
  override var descriptionKey: UInt? { typeKey }

  /// Not by the argument, which the timer of a timeout has none of.
  override func waker(of offer: OfferRef) -> Waker {
    .clock(offer.pointee.slot.assumingMemoryBound(to: Worker.self).pointee.timers.deadline(of: offer))
  }
}
