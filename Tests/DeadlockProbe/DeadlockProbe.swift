import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A process with no threads but those it starts: the only place where an ordinary scheduler can be sure of a deadlock.
///
/// The argument names what to do. Prints what came of it: "fine", or the error. An alarm ends what never ends.
@main struct DeadlockProbe {
  static func main() {
    let argument = CommandLine.arguments.dropFirst().first ?? ""
    guard let scenario = Scenario(rawValue: argument) else {
      print("usage: deadlock-probe \(Scenario.allCases.map(\.rawValue).joined(separator: "|"))")
      exit(2)
    }
    do {
      try scenario.run()
      print("fine")
    } catch {
      print(error)
    }
  }
}

/// Longer than it takes to be sure, twice; the tests are about what happens meanwhile, not about how long it takes.
let aWhile: UInt32 = 900_000

/// Calls `body` on a plain thread that nobody joins.
func onThread(_ body: @escaping @Sendable () -> Void) {
  var thread = pthread_t()
  let argument = Unmanaged.passRetained(Work(body)).toOpaque()
  let status = pthread_create(&thread, nil, { ($0 as UnsafeMutableRawPointer?).flatMap(Work.run) }, argument)
  precondition(status == 0, "no thread")
  pthread_detach(thread)
}

private final class Work {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  static func run(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
    return nil
  }
}
