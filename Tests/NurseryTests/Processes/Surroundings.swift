#if os(Linux)
  import Glibc

  /// This process's descriptors and descendants.
  enum Surroundings {
    static var descriptorCount: Int { entries("/proc/self/fd").count - 1 }

    /// All processes below this one, zombies included.
    static var descendants: Set<Int32> {
      var parents: [Int32: Int32] = [:]
      for process in entries("/proc").compactMap(Int32.init) { parents[process] = parent(process) }
      var found: Set<Int32> = [getpid()]
      while true {
        let more = Set(parents.filter { found.contains($0.value) }.keys).union(found)
        if more == found { return found.subtracting([getpid()]) }
        found = more
      }
    }

    static func expectNoDescendants() throws {
      let left = descendants
      if !left.isEmpty { throw LeftoverError(processes: left) }
    }

    struct LeftoverError: Error { let processes: Set<Int32> }

    /// The processes of any user that have this argument.
    static func processes(withArgument argument: String) -> [Int32] {
      entries("/proc").compactMap(Int32.init).filter { process in
        read("/proc/\(process)/cmdline").split(separator: "\0").dropFirst().contains(Substring(argument))
      }
    }

    private static func parent(_ process: Int32) -> Int32 {
      let text = read("/proc/\(process)/stat")
      guard let end = text.lastIndex(of: ")") else { return -1 }
      return Int32(text[end...].split(separator: " ")[2]) ?? -1
    }

    private static func read(_ path: String) -> String {
      guard let file = fopen(path, "r") else { return "" }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = fread(&bytes, 1, bytes.count, file)
      return String(decoding: bytes[..<count], as: UTF8.self)
    }

    private static func entries(_ path: String) -> [String] {
      guard let folder = opendir(path) else { return [] }
      defer { closedir(folder) }
      var names: [String] = []
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
          String(cString: $0.bindMemory(to: CChar.self).baseAddress!)
        }
        if name != ".", name != ".." { names.append(name) }
      }
      return names
    }
  }
#endif
