import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A separate process for tests of a whole process: its descriptors, their limit, its standard input.
@main struct IOProbe {
  static func main() {
    guard let scene = Scene.all[CommandLine.arguments.dropFirst().first ?? ""] else {
      print("usage: io-probe \(Scene.all.keys.sorted().joined(separator: "|"))")
      exit(2)
    }
    do { try scene.play() } catch {
      print("failed: \(error)")
      exit(1)
    }
  }
}

/// How many descriptors the process has open, including the one that lists them.
func openDescriptors() -> Int {
  guard let folder = opendir("/proc/self/fd") else { return 0 }
  defer { closedir(folder) }
  var count = 0
  while readdir(folder) != nil { count += 1 }
  return count
}

func require(_ condition: Bool, _ what: @autoclosure () -> String) {
  if condition { return }
  print("failed: \(what())")
  exit(1)
}
