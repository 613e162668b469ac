/// Formats a time, in seconds since 1970, for HTTP: "Sun, 06 Nov 1994 08:49:37 GMT".
func httpDate(_ seconds: Int) -> String {
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  let days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
  let second = seconds - days * 86400
  // Howard Hinnant's days-to-civil, for years that begin in March: then the leap day comes last.
  let shifted = days + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let month = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * month + 2) / 5 + 1
  let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
  let months = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"]
  let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  let zeros = String(repeating: "0", count: year < 100 ? 2 : year < 1000 ? 1 : 0)
  return "\(weekdays[((days % 7) + 7) % 7]), \(two(day)) \(months[month]) \(zeros)\(two(year)) "
    + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
}

/// Parses a time of HTTP (RFC 9110, 5.6.7); nil if the text is malformed.
///
///     Sun, 06 Nov 1994 08:49:37 GMT     the current form
///     Sunday, 06-Nov-94 08:49:37 GMT    obsolete, but must be accepted
///     Sun Nov  6 08:49:37 1994          obsolete, but must be accepted
///
/// - Parameter now: decides the century of a year with two digits.
/// - Returns: seconds since 1970.
func secondsOfHTTPDate(_ text: String, now: Int) -> Int? {
  let words = text.split(separator: " ")
  switch words.count {
  case 6 where words[0].last == "," && words[5] == "GMT":
    return seconds(year: number(words[3], digits: 4), month: words[2], day: words[1], time: words[4])
  case 4 where words[0].last == "," && words[3] == "GMT":
    let date = words[1].split(separator: "-", omittingEmptySubsequences: false)
    guard date.count == 3, let short = number(date[2], digits: 2) else { return nil }
    let thisYear = 1970 + now / 31_556_952
    // The year with these digits that is less than 50 years in the past or at most 50 in the future.
    let oldest = thisYear - 49
    let year = oldest + ((short - oldest) % 100 + 100) % 100
    return seconds(year: year, month: date[1], day: date[0], time: words[2])
  case 5:
    // A single digit follows two spaces.
    let day = words[2].utf8.count == 1 ? "0\(words[2])" : words[2]
    return seconds(year: number(words[4], digits: 4), month: words[1], day: day, time: words[3])
  default: return nil
  }
}

private let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

private func seconds(year: Int?, month: Substring, day: Substring, time: Substring) -> Int? {
  let times = time.split(separator: ":", omittingEmptySubsequences: false)
  guard let year, let month = months.firstIndex(of: String(month)), let day = number(day, digits: 2), times.count == 3,
    let hour = number(times[0], digits: 2), let minute = number(times[1], digits: 2),
    // 60 is a leap second.
    let second = number(times[2], digits: 2), hour < 24, minute < 60, second <= 60
  else { return nil }
  let isLeapYear = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  let lengths = [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  guard 1...lengths[month] ~= day else { return nil }
  // The inverse of `httpDate`; these years begin in March as well.
  let marchYear = month > 1 ? year : year - 1
  let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
  let yearOfEra = marchYear - era * 400
  let dayOfYear = (153 * ((month + 10) % 12) + 2) / 5 + day - 1
  let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  return days * 86_400 + hour * 3600 + minute * 60 + second
}

/// A number of exactly this many digits.
private func number(_ text: Substring, digits: Int) -> Int? {
  guard text.utf8.count == digits else { return nil }
  return text.utf8.reduce(0) { value, byte in value.flatMap { value in byte.digit.map { value * 10 + $0 } } }
}
