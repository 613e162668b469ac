import Nursery
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A fiber that has begun stays on its thread, so it may use a mutex and thread-locals.
@Suite(.timeLimit(.minutes(2))) struct ThreadBindingTests {
  private final class Counted: Sendable {
    let value = Mutex(0)
  }

  /// In a release build `Mutex` keeps the address of the thread's number across waits.
  ///
  /// The thread sanitizer does not see the ordering of a `Mutex`.
  @Test(.enabled(if: !isSanitized), arguments: [2, 4]) func aMutexMayBeLockedBetweenWaits(workers: Int) throws {
    let counted = Counted()
    let fibers = 16
    let rounds = 1000
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        for fiber in 0..<fibers {
          nursery.goAsync {
            for round in 0..<rounds {
              counted.value.withLock { value in
                for _ in 0..<100 { value = value &+ 1 }
              }
              if (round + fiber) % 3 == 0 { try sleep(for: .microseconds(20)) } else { Fiber.yield() }
            }
          }
        }
      }
    }
    #expect(counted.value.withLock { $0 } == fibers * rounds * 100)
  }

  /// Every kind of wait, woken by fibers of other workers, timers, plain threads and the pool.
  @Test(arguments: [2, 4]) func aFiberThatHasBegunStaysOnItsThread(workers: Int) throws {
    let threads = try runFibers(Configuration(parallelism: workers)) {
      let (left, right) = (Channel<Int>(), Channel<Int>(.bounded(2)))
      let strayed = Counter()
      let threads = Guarded<Set<UInt>>([])
      try withNursery { nursery in
        for number in 0..<24 {
          nursery.goAsync {
            let home = threadNumber()
            threads.withLock { _ = $0.insert(home) }
            for round in 0..<200 {
              switch (number + round) % 6 {
              case 0:
                _ = try choose(
                  left.sendOp(1).wrap { 0 }, right.receiveOp(), timeoutOp(after: .microseconds(30)).wrap { 0 })
              case 1:
                _ = try choose(
                  right.sendOp(1).wrap { 0 }, left.receiveOp(), timeoutOp(after: .microseconds(50)).wrap { 0 })
              case 2: try sleep(for: .microseconds(10))
              case 3: _ = try blocking { 1 }
              case 4:
                // Long enough for fresh fibers to be stolen.
                for _ in 0..<50 { sched_yield() }
              default: try goAndWait { Fiber.yield() }
              }
              if threadNumber() != home { strayed.add() }
            }
          }
        }
      }
      expectEqual(strayed.value, 0)
      return threads.withLock { $0 }
    }
    #expect(threads.count <= workers)
  }
}
