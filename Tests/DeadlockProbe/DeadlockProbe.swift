import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A process that knows all its threads: only there an ordinary scheduler can be certain of a deadlock.
///
/// The argument names the scenario. Prints the result: "fine", or the error. An alarm ends a scenario that hangs.
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

/// Twice as long as it takes to be certain; the tests check what happens meanwhile, not how long it takes.
let aWhile: UInt32 = 900_000

/// Calls `body` on a plain thread that is not joined.
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
