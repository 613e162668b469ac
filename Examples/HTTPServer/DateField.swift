#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The `Date` header, formatted once a second.
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
