#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The bytes of resident memory, page tables included; nil if the kernel does not report them.
///
/// - Parameter peak: whether the most so far is asked for.
public func residentBytes(peak: Bool = false) -> Int? {
  guard let file = fopen("/proc/self/status", "r") else { return nil }
  defer { fclose(file) }
  var kilobytes = 0
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, Int32(line.count), file) != nil {
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard text.hasPrefix(peak ? "VmHWM:" : "VmRSS:") || text.hasPrefix("VmPTE:") else { continue }
    kilobytes += text.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) } ?? 0
  }
  return kilobytes * 1024
}
