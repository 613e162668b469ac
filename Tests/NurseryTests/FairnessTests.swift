import Nursery
import Testing

/// Every runnable fiber runs, whatever other fibers do.
struct FairnessTests {
  /// Two fibers that wake each other for ever, and so are always the next to run.
  private func withPairs(_ count: Int, workers: Int, _ body: (Nursery) throws -> Void) throws {
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        for _ in 0..<count {
          let (there, back) = (Channel<Int>(), Channel<Int>())
          nursery.goAsync(daemon: true) {
            while true {
              try there.send(1)
              _ = try back.receive()
            }
          }
          nursery.goAsync(daemon: true) { for number in there { try back.send(number) } }
        }
        try body(nursery)
      }
    }
  }

  @Test(arguments: parallelisms) func aPairThatWakesEachOtherDoesNotKeepASleeperWaiting(workers: Int) throws {
    try withPairs(workers, workers: workers) { nursery in
      let others = (0..<4).map { _ in nursery.goAsync { try sleep(for: .milliseconds(2)) } }
      try sleep(for: .milliseconds(1))
      for other in others { try other.wait() }
    }
  }

  @Test(arguments: parallelisms) func aPairThatWakesEachOtherDoesNotStarveAChildThatIsWaitedFor(workers: Int) throws {
    try withPairs(workers, workers: workers) { nursery in
      for number in 0..<100 { try expectEqual(nursery.goAsync { number }.wait(), number) }
    }
  }

  @Test(arguments: parallelisms) func aPairThatWakesEachOtherDoesNotStarveAFiberThatYields(workers: Int) throws {
    try withPairs(workers, workers: workers) { _ in for _ in 0..<100 { Fiber.yield() } }
  }

  @Test func familiesWithoutEndDoNotKeepTheOthersWaiting() throws {
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { nursery in
        for _ in 0..<2 {
          nursery.goAsync(daemon: true) {
            while true { try withNursery { for _ in 0..<10 { $0.goAsync { Fiber.yield() } } } }
          }
        }
        let child = nursery.goAsync { 1 }
        for _ in 0..<10 { Fiber.yield() }
        try sleep(for: .milliseconds(1))
        try expectEqual(child.wait(), 1)
      }
    }
  }

  @Test func sleepersThatAreAlwaysDueDoNotKeepTheOthersWaiting() throws {
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { nursery in
        for _ in 0..<100 {
          nursery.goAsync(daemon: true) { while true { try sleep(for: .nanoseconds(1)) } }
        }
        for _ in 0..<10 { Fiber.yield() }
        for number in 0..<10 { try expectEqual(nursery.goAsync { number }.wait(), number) }
      }
    }
  }
}
