#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Calls `body` with the path of a new directory, which is removed afterwards with the files in it.
func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/nursery-test.XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { fatalError("no directory") }
  let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  defer {
    for name in names(in: path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }
  return try body(path)
}

/// The names of the files in a directory.
func names(in path: String) -> [String] {
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// Bytes without repetition, so that a wrong offset shows.
func pattern(_ count: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  bytes.withUnsafeMutableBytes { words in
    for place in stride(from: 0, to: count & ~7, by: 8) {
      words.storeBytes(of: UInt64(place) &* 0x9e37_79b9_7f4a_7c15, toByteOffset: place, as: UInt64.self)
    }
  }
  return bytes
}

/// Compares without generic code, which is slow in debug builds.
func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count
    && left.withUnsafeBytes { left in right.withUnsafeBytes { memcmp(left.baseAddress!, $0.baseAddress!, left.count) } }
      == 0
}
