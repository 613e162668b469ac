import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A process that crashes in the manner that its argument names, for reports of crashes.
@main struct CrashProbe {
  static func main() throws {
    switch CommandLine.arguments.dropFirst().first {
    case "trap": try crash { reachAnIndexThatIsNotThere() }
    case "abort": try crash { abort() }
    case "overflow": try crash { print(descend(10_000_000)) }
    case "coroutine": try crash { _ = try Coroutine<Void, Void, Int> { _, _ in descend(10_000_000) }.resume() }
    case "error": try crash { throw Unreachable() }
    default:
      print("usage: crash-probe trap|abort|overflow|coroutine|error")
      exit(2)
    }
  }

  /// Crashes in a fiber, while a second worker sleeps.
  private static func crash(_ body: @escaping @Sendable () throws -> Void) throws {
    try runFibers(Configuration(parallelism: 2)) {
      try Scheduler.current!.spawnWorker()
      while Scheduler.current!.statistics.sleepingWorkers == 0 { Fiber.yield() }
      try withNursery("server") { nursery in
        nursery.goAsync("request 7") {
          // The other worker may have stolen this fiber, and then the first one falls asleep.
          while Scheduler.current!.statistics.sleepingWorkers == 0 { Fiber.yield() }
          try body()
        }
      }
    }
  }
}

private struct Unreachable: Error {}

@inline(never) private func reachAnIndexThatIsNotThere() {
  let numbers = [1]
  print(numbers[CommandLine.arguments.count + 5])
}

/// The arithmetic on the result is not associative, so optimisers cannot turn the recursion into a loop.
@inline(never) private func descend(_ depth: Int) -> Int { depth == 0 ? 0 : (descend(depth - 1) &* 31) ^ depth }
