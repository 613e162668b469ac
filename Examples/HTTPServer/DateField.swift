#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The `Date` header, put together once a second.
struct DateField {
  private var second = Int.min
  private var line: [UInt8] = []

  mutating func append(to bytes: inout [UInt8]) {
    let now = time(nil)
    if now != second {
      second = now
      line = Array("Date: \(httpDate(now))\r\n".utf8)
    }
    bytes.append(contentsOf: line)
  }
}

/// A time, in seconds since 1970, as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT".
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
  return "\(weekdays[((days % 7) + 7) % 7]), \(two(day)) \(months[month]) \(year) "
    + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
}
