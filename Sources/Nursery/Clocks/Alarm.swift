/// Rings at times of the wall clock: once, daily, or at each beginning of a unit of the calendar.
///
///     for time in Alarm.daily(hour: 3) { try cleanUp(before: time) }
///
/// It follows the clock: if the clock is set, the next time is found anew, and one that was jumped over has come. Time
/// in which the computer sleeps counts. With a virtual clock it goes by the time at which the run began and the virtual
/// time since. A wait takes a descriptor, and none with a virtual clock.
///
/// An alarm is a value without a state; for work at equal distances, whatever the clock says, use `Ticker`.
public struct Alarm: Sendable, Hashable {
  /// A unit of the calendar.
  ///
  /// A week begins on Monday.
  public enum Unit: Sendable, Hashable, CaseIterable {
    case minute, hour, day, week, month, year
  }

  /// Whose calendar it goes by.
  public enum Zone: Sendable, Hashable {
    /// The time zone of the process: the variable TZ, or the computer's.
    case local
    /// Coordinated universal time, which has no summer time.
    case utc
  }

  enum Schedule: Hashable {
    case once(WallTime)
    case daily(hour: Int, minute: Int, second: Int, Zone)
    case start(Unit, Zone)
  }

  let schedule: Schedule

  /// Rings once, at a time; at once if it has passed.
  public static func at(_ time: WallTime) -> Alarm { Alarm(schedule: .once(time)) }

  /// Rings every day at a time of the day.
  ///
  /// On a day whose clocks skip that time it rings as much later as they are put forward; on one that has it twice, at
  /// the first. A time that no day has, such as hour 24, is a mistake that traps.
  public static func daily(hour: Int, minute: Int = 0, second: Int = 0, zone: Zone = .local) -> Alarm {
    require(
      (0...23).contains(hour) && (0...59).contains(minute) && (0...59).contains(second),
      "Alarm.daily(hour: \(hour), minute: \(minute), second: \(second)): no day has that time; write an hour from 0 to 23, and a minute and a second from 0 to 59"
    )
    return Alarm(schedule: .daily(hour: hour, minute: minute, second: second, zone))
  }

  /// Rings at each beginning of a unit: on the hour, at midnight, on the first of the month.
  public static func atStart(of unit: Unit, zone: Zone = .local) -> Alarm { Alarm(schedule: .start(unit, zone)) }

  /// Waits until it rings; the value is the time for which it was set.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; `SystemError` if the process has no descriptor
  ///   left.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @discardableResult
  public func wait() throws -> WallTime { try ringOp().perform() }

  /// The operation that commits when it rings next; its value is the time for which it was set.
  public func ringOp() -> Op<WallTime> { ringOp(after: nil) }

  /// - Parameter last: when it has rung last, in case the clock has been set back since.
  fileprivate func ringOp(after last: WallTime?) -> Op<WallTime> {
    .guarded {
      let ring = AlarmRing(self, after: last)
      guard Performer.current().hasVirtualClock else { return try ring.op() }
      return sleepOp(for: ring.due - WallTime.now).wrap { ring.due }
    }
  }
}

extension Alarm: Sequence {
  /// Waits for one time after the other, each of which comes once even if the clock is set back; ends after the one
  /// time of an alarm that rings once, in a cancelled scope, and if the process has no descriptor left; `wait()` throws
  /// then.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func makeIterator() -> AnyIterator<WallTime> {
    var last: WallTime?
    return AnyIterator {
      if last != nil, case .once = schedule { return nil }
      guard let time = try? ringOp(after: last).perform() else { return nil }
      last = time
      return time
    }
  }
}

/// One wait for an alarm, by a timer of the wall clock.
private final class AlarmRing {
  private let alarm: Alarm
  private let last: WallTime?
  /// When it is to ring.
  private(set) var due: WallTime
  private var timer: (descriptor: Descriptor, number: Int32)?

  init(_ alarm: Alarm, after last: WallTime?) {
    self.alarm = alarm
    self.last = last
    due = alarm.next(after: last, now: .now)
  }

  deinit { timer?.descriptor.close() }

  func op() throws -> Op<WallTime> {
    let number = try WallClock.makeTimer()
    let descriptor = Descriptor(adopting: number, isForAll: true)
    timer = (descriptor, number)
    try set()
    return descriptor.op(.readable, keeping: self, as: "an alarm") { [self] in try ring(descriptor) }
  }

  /// Sets the timer to when the alarm is to ring, as the clock says now.
  private func set() throws(SystemError) {
    while try !WallClock.set(timer!.number, to: due.nanosecondsSince1970) { find() }
  }

  /// Finds the time anew after the clock has been set, unless that has gone over it.
  private func find() {
    let now = WallTime.now
    if now < due { due = alarm.next(after: last, now: now) }
  }

  /// The time, if it has come.
  private func ring(_ descriptor: Descriptor) throws -> WallTime? {
    while true {
      switch descriptor.attempt(.readable, WallClock.take) {
      case .done: return due
      case .wouldBlock: return nil
      case .failed(WallClock.wasSet):
        find()
        try set()
      case .failed(let code): throw SystemError(code: code, action: "read a timer of the wall clock")
      case .closed: throw StreamClosedError(stream: "an alarm")
      }
    }
  }
}
