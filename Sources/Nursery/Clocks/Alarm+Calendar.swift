extension Alarm {
  /// The next time after an instant at which it rings; nil if there is none, up to the last `WallTime`.
  public func next(after time: WallTime) -> WallTime? {
    switch schedule {
    case .once(let only): only > time ? only : nil
    case .daily(let hour, let minute, let second, let zone):
      zone.firstDay(from: time) { day in
        day.hour = hour
        day.minute = minute
        day.second = second
      }
    case .start(.minute, let zone): zone.start(ofEvery: 60, after: time)
    case .start(.hour, let zone): zone.start(ofEvery: 3600, after: time)
    case .start(.day, let zone): zone.firstDay(from: time) { _ in }
    case .start(.week, let zone): zone.firstDay(from: time, isWanted: { _, weekday in weekday == 1 }) { _ in }
    case .start(.month, let zone): zone.firstDay(from: time, isWanted: { day, _ in day.day == 1 }) { _ in }
    case .start(.year, let zone):
      zone.firstDay(from: time, isWanted: { day, _ in day.day == 1 && day.month == 1 }) { _ in }
    }
  }

  /// When it is to ring for one that begins to wait.
  func next(after last: WallTime?, now: WallTime) -> WallTime {
    if case .once(let only) = schedule { return only }
    return next(after: Swift.max(last ?? now, now)) ?? WallTime(nanosecondsSince1970: .max)
  }
}

extension Alarm.Zone {
  /// The first instant after `time` that is a multiple of `seconds` in this zone.
  ///
  /// Counted from the offset, so that an hour that the clocks repeat begins twice.
  fileprivate func start(ofEvery seconds: Int, after time: WallTime) -> WallTime? {
    let offset = Int64(WallClock.fields(at: time.nanosecondsSince1970, isUTC: self == .utc).offset) * WallClock.second
    let period = Int64(seconds) * WallClock.second
    let rest = saturatingAdd(time.nanosecondsSince1970, offset) % period
    let next = saturatingAdd(time.nanosecondsSince1970, period - (rest < 0 ? rest + period : rest))
    return next == .max ? nil : WallTime(nanosecondsSince1970: next)
  }

  /// The first instant after `time` that is the wanted time of a wanted day.
  fileprivate func firstDay(
    from time: WallTime, isWanted: (WallClock.Fields, _ weekday: Int) -> Bool = { _, _ in true },
    _ setTime: (inout WallClock.Fields) -> Void
  ) -> WallTime? {
    let isUTC = self == .utc
    let today = WallClock.fields(at: time.nanosecondsSince1970, isUTC: isUTC).fields
    var day = WallClock.Fields(year: today.year, month: today.month, day: today.day, hour: 12)
    while true {
      // Noon is on every day.
      let noon = WallClock.instant(of: day, isUTC: isUTC)
      if noon == .max { return nil }
      let (found, weekday, _) = WallClock.fields(at: noon, isUTC: isUTC)
      if isWanted(found, weekday) {
        var wanted = WallClock.Fields(year: found.year, month: found.month, day: found.day)
        setTime(&wanted)
        let instant = WallClock.instant(of: wanted, isUTC: isUTC)
        if instant == .max { return nil }
        if instant > time.nanosecondsSince1970 { return WallTime(nanosecondsSince1970: instant) }
      }
      day.day += 1
    }
  }
}
