import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin  // not yet verified
#endif

/// The wall clock, in nanoseconds since 1970, and as fields of a calendar.
package enum WallClock {
  /// Fields of a calendar, in the time zone of the process or in UTC.
  package struct Fields: Equatable {
    package var year: Int
    /// From 1.
    package var month: Int
    /// From 1; beyond the month it is a day of a later one.
    package var day: Int
    package var hour = 0
    package var minute = 0
    package var second = 0

    package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
      (self.year, self.month, self.day) = (year, month, day)
      (self.hour, self.minute, self.second) = (hour, minute, second)
    }
  }

  package static let second: Int64 = 1_000_000_000

  package static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * second + Int64(time.tv_nsec)
  }

  /// What the calendar says at an instant, and how many seconds its zone is ahead of UTC.
  package static func fields(at nanoseconds: Int64, isUTC: Bool) -> (fields: Fields, weekday: Int, offset: Int) {
    var seconds = time_t(nanoseconds / second - (nanoseconds % second < 0 ? 1 : 0))
    var time = tm()
    if isUTC {
      gmtime_r(&seconds, &time)
    } else {
      tzset()
      localtime_r(&seconds, &time)
    }
    return (Fields(time), Int(time.tm_wday), Int(time.tm_gmtoff))
  }

  /// The first instant at which the calendar says this.
  ///
  /// Where clocks go forward it may never do so; then the instant so long after the last one before.
  package static func instant(of fields: Fields, isUTC: Bool) -> Int64 {
    var time = fields.time
    if isUTC { return nanoseconds(timegm(&time)) }
    // Where clocks go back, the calendar says it twice: first in summer time.
    for isSummer: Int32 in [1, 0, -1] {
      var time = fields.time
      time.tm_isdst = isSummer
      let seconds = mktime(&time)
      if seconds != -1, Fields(time) == fields { return nanoseconds(seconds) }
    }
    time.tm_isdst = 0
    return nanoseconds(mktime(&time))
  }

  /// `.max` if there are more than 64 bits hold.
  private static func nanoseconds(_ seconds: time_t) -> Int64 {
    let (product, isTooLarge) = Int64(seconds).multipliedReportingOverflow(by: second)
    return isTooLarge ? (seconds < 0 ? .min : .max) : product
  }
}

extension WallClock.Fields {
  fileprivate init(_ time: tm) {
    self.init(
      year: Int(time.tm_year) + 1900, month: Int(time.tm_mon) + 1, day: Int(time.tm_mday), hour: Int(time.tm_hour),
      minute: Int(time.tm_min), second: Int(time.tm_sec))
  }

  fileprivate var time: tm {
    var time = tm()
    time.tm_year = Int32(clamping: year - 1900)
    time.tm_mon = Int32(clamping: month - 1)
    time.tm_mday = Int32(clamping: day)
    time.tm_hour = Int32(clamping: hour)
    time.tm_min = Int32(clamping: minute)
    time.tm_sec = Int32(clamping: second)
    return time
  }
}

// Timers of the wall clock: descriptors that become readable when their time has come, and when the clock is set.
extension WallClock {
  package static func makeTimer() throws(SystemError) -> Int32 {
    try checked("make a timer of the wall clock", cs_alarm())
  }

  /// False if the clock has been set meanwhile, so that the time may have to be another.
  package static func set(_ timer: Int32, to nanoseconds: Int64) throws(SystemError) -> Bool {
    let result = cs_alarm_set(timer, nanoseconds)
    if result == -wasSet { return false }
    try checked("set a timer of the wall clock", result)
    return true
  }

  /// Positive when the time has come; else the opposite of an error's number.
  package static func take(_ timer: Int32) -> Int { Int(cs_alarm_take(timer)) }

  /// The error of a timer after the clock has been set.
  package static let wasSet = ECANCELED
}
