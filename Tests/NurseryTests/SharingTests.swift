import Nursery
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How two workers treat fibers that run faster on one.
@Suite(.timeLimit(.minutes(2))) struct SharingTests {
  /// Fibers that mostly wait for each other.
  private func exchange(senders: Int, each: Int) throws {
    let channel = Channel<Int>()
    var sum = 0
    try withNursery { nursery in
      for _ in 0..<senders { nursery.goAsync { for number in 0..<each { try channel.send(number) } } }
      for _ in 0..<(senders * each) { sum += try channel.receive() }
    }
    expectEqual(sum, senders * each * (each - 1) / 2)
  }

  @Test(arguments: [2, 3]) func nothingIsLostWhereSharingIsGivenUpAndTriedAgain(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      for senders in [8, 100, 1000] { try exchange(senders: senders, each: 30_000 / senders) }
    }
  }

  /// The first fiber ends only if another worker runs the second one meanwhile, also after a long exchange on one
  /// worker.
  @Test func fibersThatComputeAreStolenFromATalkingWorker() throws {
    try runFibers(Configuration(parallelism: 2)) {
      for _ in 0..<20 {
        try exchange(senders: 8, each: 2000)
        let hasBegun = Counter()
        try withNursery { nursery in
          nursery.goAsync { while hasBegun.value == 0 { sched_yield() } }
          nursery.goAsync { hasBegun.add() }
        }
      }
    }
  }
}
