import Nursery

/// The instants that are written in logs.
extension WallTime {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// "10/Oct/2000:13:55:36 -0700", as the common format has it.
  init?(common text: Substring) {
    let parts = text.split(whereSeparator: { "/: ".contains($0) })
    guard parts.count == 7, let month = Self.months.firstIndex(of: String(parts[1])) else { return nil }
    self.init(
      date: [Int(parts[2]), month + 1, Int(parts[0])], time: parts[3...5].map { Int($0) },
      zone: Self.offset(parts[6]))
  }

  /// "2000-10-10T13:55:36.25-07:00"; without a zone it is UTC, and without a time midnight.
  init?(iso text: Substring) {
    let date = text.prefix(10)
    let rest = text.dropFirst(11)
    let clock = rest.prefix { $0.isNumber || $0 == ":" }
    let fraction = rest.dropFirst(clock.count).prefix { $0.isNumber || $0 == "." }
    let zone = rest.dropFirst(clock.count + fraction.count)
    let time = clock.isEmpty ? [0, 0, 0] : clock.split(separator: ":").map { Int($0) }
    guard
      let whole = WallTime(
        date: date.split(separator: "-").map { Int($0) }, time: time, zone: zone.isEmpty ? 0 : Self.offset(zone)),
      let part = fraction.isEmpty ? 0 : Double("0\(fraction)"), part < 1
    else { return nil }
    self = whole + .seconds(part)
  }

  private init?(date: [Int?], time: [Int?], zone: Int?) {
    let (date, time) = (date.compactMap(\.self), time.compactMap(\.self))
    guard date.count == 3, time.count == 3, let zone, 1970...2261 ~= date[0], 1...12 ~= date[1], 1...31 ~= date[2],
      0...23 ~= time[0], 0...59 ~= time[1], 0...60 ~= time[2]
    else { return nil }
    let seconds = Self.days(date[0], date[1], date[2]) * 86_400 + time[0] * 3600 + time[1] * 60 + time[2] - zone
    self.init(nanosecondsSince1970: Int64(seconds) * 1_000_000_000)
  }

  /// The days from the beginning of 1970; years are counted from March, so that a leap day is the last of its year.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
  }

  /// The seconds of "Z", "+0100" and "-07:00".
  private static func offset(_ text: Substring) -> Int? {
    if text == "Z" { return 0 }
    let digits = text.dropFirst().filter { $0 != ":" }
    guard digits.count == 4, let number = Int(digits), text.first == "+" || text.first == "-" else { return nil }
    let seconds = (number / 100 * 60 + number % 100) * 60
    return text.first == "-" ? -seconds : seconds
  }
}
