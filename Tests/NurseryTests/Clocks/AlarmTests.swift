import Glibc
import Nursery
import Testing

@Suite struct AlarmTests {
  private func time(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0, _ second: Int = 0)
    -> WallTime
  {
    // Howard Hinnant's days_from_civil.
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    return WallTime(nanosecondsSince1970: Int64(((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000_000)
  }

  @Test func aUnitOfTheCalendarBeginsWhereItsSmallerOnesDo() {
    let leapDay = time(2028, 2, 29, 23, 59, 58)
    let starts: [Alarm.Unit: WallTime] = [
      .minute: time(2028, 3, 1), .hour: time(2028, 3, 1), .day: time(2028, 3, 1), .week: time(2028, 3, 6),
      .month: time(2028, 3, 1), .year: time(2029, 1, 1),
    ]
    for unit in Alarm.Unit.allCases {
      #expect(Alarm.atStart(of: unit, zone: .utc).next(after: leapDay) == starts[unit], "\(unit)")
      // The beginning itself is past.
      #expect(Alarm.atStart(of: unit, zone: .utc).next(after: starts[unit]!)! > starts[unit]!, "\(unit)")
    }
    #expect(
      Alarm.atStart(of: .minute, zone: .utc).next(after: time(1969, 12, 31, 23, 58, 1)) == time(1969, 12, 31, 23, 59))
    #expect(
      Alarm.daily(hour: 3, minute: 30, zone: .utc).next(after: time(2026, 12, 31, 3, 30)) == time(2027, 1, 1, 3, 30))
    #expect(time(2026, 11, 29, 3, 4, 5).description == "2026-11-29T03:04:05Z")
    #expect(time(1969, 1, 2).description == "1969-01-02T00:00:00Z")
  }

  @Test func noAlarmRingsAfterTheLastTimeThereIs() {
    let last = WallTime(nanosecondsSince1970: .max)
    for unit in Alarm.Unit.allCases {
      #expect(Alarm.atStart(of: unit, zone: .utc).next(after: last) == nil, "\(unit)")
      #expect(Alarm.atStart(of: unit, zone: .utc).next(after: last + .seconds(-1)) == nil, "\(unit)")
    }
    #expect(Alarm.daily(hour: 0, zone: .utc).next(after: last) == nil)
    #expect(Alarm.at(last).next(after: last) == nil)
    #expect(last + .seconds(1) == last)
  }

  /// New York: clocks go forward on March 8, 2026, from 2 to 3, and back on November 1, from 2 to 1.
  @Test func anAlarmRingsOnceOnADayWhoseClocksAreChanged() async {
    await #expect(processExitsWith: .success) {
      setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1)
      let tests = AlarmTests()
      let spring = tests.time(2026, 3, 8, 5)
      let autumn = tests.time(2026, 11, 1, 4)
      // 2:30 is skipped: 3:30 in summer time, which is 7:30 in UTC.
      #expect(Alarm.daily(hour: 2, minute: 30).next(after: spring) == tests.time(2026, 3, 8, 7, 30))
      #expect(
        Alarm.daily(hour: 2, minute: 30).next(after: tests.time(2026, 3, 8, 7, 30)) == tests.time(2026, 3, 9, 6, 30))
      // 1:30 comes twice: the first in summer time.
      let first = tests.time(2026, 11, 1, 5, 30)
      #expect(Alarm.daily(hour: 1, minute: 30).next(after: autumn) == first)
      #expect(Alarm.daily(hour: 1, minute: 30).next(after: first) == tests.time(2026, 11, 2, 6, 30))
      // The hour that is repeated begins twice.
      #expect(Alarm.atStart(of: .hour).next(after: first) == tests.time(2026, 11, 1, 6))
      #expect(Alarm.atStart(of: .day).next(after: spring) == tests.time(2026, 3, 9, 4))
      #expect(Alarm.atStart(of: .year).next(after: autumn) == tests.time(2027, 1, 1, 5))
    }
  }

  @Test func aVirtualClockRingsAlarmsAtOnce() throws {
    try virtually {
      let begin = WallTime.now
      let alarm = Alarm.atStart(of: .day, zone: .utc)
      var rung: [WallTime] = []
      for time in alarm {
        rung.append(time)
        #expect(WallTime.now >= time)
        if rung.count == 3 { break }
        // The work takes longer than a day.
        try sleep(for: .seconds(rung.count == 1 ? 100_000 : 1))
      }
      #expect(rung[0] == alarm.next(after: begin))
      #expect(rung[1] - rung[0] == .seconds(172_800))
      #expect(rung[2] - rung[1] == .seconds(86_400))
      #expect(WallTime.now - begin < .seconds(4 * 86_400))
    }
  }

  @Test func anAlarmForOneTimeRingsOnce() throws {
    try virtually {
      let time = WallTime.now + .seconds(50)
      #expect(Array(Alarm.at(time)) == [time])
      // It has passed.
      try expectEqual(Alarm.at(time).wait(), time)
      #expect(WallTime.now == time)
    }
  }

  @Test func anAlarmThatLosesOrIsCancelledLeavesNoDescriptor() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        try runFibers(Configuration(parallelism: 1)) {
          let far = Alarm.at(WallTime.now + .seconds(1000))
          func perform() throws {
            try expectEqual(choose(far.ringOp().wrap { _ in 1 }, sleepOp(for: .zero).wrap { 2 }), 2)
            try expectEqual(withTimeoutOrNil(.milliseconds(1)) { try far.wait() }, nil)
          }
          try perform()
          let before = Surroundings.descriptorCount
          for _ in 0..<50 { try perform() }
          // The testing library may open some at any time.
          #expect(Surroundings.descriptorCount - before < 20)
        }
      }
    }
  }

  @Test func anAlarmRingsByTheRealClockOnFibersAndThreads() throws {
    let time = WallTime.now + .milliseconds(30)
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        for _ in 0..<3 {
          nursery.goAsync {
            try expectEqual(Alarm.at(time).wait(), time)
            #expect(WallTime.now >= time)
          }
        }
      }
    }
    try synchronously { try expectEqual(Alarm.at(time + .milliseconds(20)).wait(), time + .milliseconds(20)) }
    #expect(WallTime.now >= time + .milliseconds(20))
  }

  @Test func aTimeOfDayThatNoDayHasTraps() async {
    await #expect(processExitsWith: .failure) { _ = Alarm.daily(hour: 24) }
    await #expect(processExitsWith: .failure) { _ = Alarm.daily(hour: 3, minute: 60) }
    await #expect(processExitsWith: .failure) { _ = Alarm.daily(hour: 3, second: -1) }
  }

  /// Sets the clock to what it says, which counts as set.
  private static func setClock() -> Bool {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return clock_settime(CLOCK_REALTIME, &now) == 0
  }

  @Test(
    .enabled(
      if: getenv("ALLOW_SYSTEM_CHANGES") != nil && setClock(),
      "it sets the system's clock; set ALLOW_SYSTEM_CHANGES=1 to allow that, and have the right to")
  )
  func anAlarmFollowsTheClockWhenItIsSet() throws {
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { nursery in
        let time = WallTime.now + .milliseconds(200)
        let rung = nursery.goAsync { try Alarm.at(time).wait() }
        for _ in 0..<3 {
          try sleep(for: .milliseconds(20))
          #expect(Self.setClock())
        }
        try expectEqual(rung.wait(), time)
        #expect(WallTime.now >= time)
      }
    }
  }

  @Test func codeThatIsGenericOverClocksTakesAFiberClock() async throws {
    func measure<Measured: Clock>(_ clock: Measured, _ work: () throws -> Void) rethrows -> Measured.Duration {
      try clock.measure(work)
    }
    try virtually {
      try expectEqual(measure(FiberClock()) { try sleep(for: .seconds(90)) }, .seconds(90))
    }
    let clock = FiberClock()
    let begin = clock.now
    try await clock.sleep(until: begin + .milliseconds(5), tolerance: nil)
    #expect(clock.now >= begin + .milliseconds(5))
    #expect(clock.minimumResolution == .nanoseconds(1))
  }
}
