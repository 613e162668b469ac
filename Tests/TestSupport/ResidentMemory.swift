#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

#if os(Linux)
  /// Kilobytes of memory that the process occupies.
  package func residentKilobytes() -> Int {
    let file = open("/proc/self/statm", O_RDONLY)
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = max(0, read(file, &text, text.count - 1))
    let fields = String(decoding: text[..<count], as: UTF8.self).split(separator: " ")
    return Int(fields[1])! * sysconf(Int32(_SC_PAGESIZE)) / 1024
  }
#endif
