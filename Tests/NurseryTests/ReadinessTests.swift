import Nursery
import Testing

struct ReadinessTests {
  @Test func allWaitersRetryAfterASignal() throws {
    try virtually {
      let readiness = Readiness("a number")
      let numbers = Guarded<[Int]>([])
      try withNursery { nursery in
        let takers = (0..<5).map { _ in
          nursery.goAsync { try readiness.whenReadyOp { numbers.withLock { $0.popLast() } }.perform() }
        }
        waitUntilAllParked()
        numbers.withLock { $0 = [1, 2] }
        readiness.signal()
        waitUntilAllParked()
        expectEqual(takers.filter(\.isFinished).count, 2)
        numbers.withLock { $0 = [3, 4, 5] }
        readiness.signal()
        expectEqual(Set(try waitAll(takers)), [1, 2, 3, 4, 5])
      }
    }
  }

  @Test func aFailedAttemptDoesNotRestartTheTimersBesideIt() throws {
    try virtually {
      let readiness = Readiness("nothing")
      let start = FiberClock.now
      try withNursery { nursery in
        nursery.goAsync(daemon: true) {
          while true {
            try sleep(for: .milliseconds(300))
            readiness.signal()
          }
        }
        let never = readiness.whenReadyOp { () -> Int? in nil }
        expectThrows(TimeoutError.self) { try never.orTimeout(after: .seconds(1)).perform() }
        expectEqual(start.duration(to: FiberClock.now), .seconds(1))
        // The timer is in an inner choice, which has its own layout.
        let inner: Op<Int> = .choice([sleepOp(for: .seconds(1)).wrap { 1 }, sleepOp(for: .seconds(2)).wrap { 2 }])
        let plain: Op<Void> = .choice([sleepOp(for: .seconds(1)), sleepOp(for: .seconds(2))])
        expectEqual(try choose(inner, never), 1)
        try choose(plain, never.wrap { _ in })
        expectEqual(start.duration(to: FiberClock.now), .seconds(3))
      }
    }
  }

  @Test func aFailedAttemptFiresNoNack() throws {
    try virtually {
      let readiness = Readiness("a number")
      let number = Guarded<Int?>(nil)
      let abandoned = Counter()
      try withNursery { nursery in
        let end = Condition()
        let fiber = nursery.goAsync {
          try choose(
            readiness.whenReadyOp { number.withLock { $0 } },
            end.waitOp().wrap { 0 }.onAbandon { abandoned.add() })
        }
        for _ in 0..<3 {
          waitUntilAllParked()
          readiness.signal()
        }
        waitUntilAllParked()
        expectEqual(abandoned.value, 0)
        number.withLock { $0 = 7 }
        readiness.signal()
        expectEqual(try fiber.wait(), 7)
        expectEqual(abandoned.value, 1)
      }
    }
  }

  @Test func aPartnerThatComesDuringAFailedAttemptIsMetAfterIt() throws {
    try underEverySchedule {
      let readiness = Readiness("nothing")
      let messages = Channel<Int>()
      try withNursery { nursery in
        let receiver = nursery.goAsync {
          try choose(messages.receiveOp(), readiness.whenReadyOp { () -> Int? in nil })
        }
        nursery.goAsync { readiness.signal() }
        nursery.goAsync { try messages.send(7) }
        try hold(try receiver.wait() == 7, "another message")
      }
    }
  }

  @Test func takenTokensAndTimeoutsAddUp() throws {
    for workers in 1...3 {
      let taken = Counter()
      try runFibers(Configuration(parallelism: workers)) {
        let readiness = Readiness("a token")
        let tokens = Guarded(0)
        let isOver = Guarded(false)
        let put = 2000
        try withNursery { nursery in
          for _ in 0..<8 {
            nursery.goAsync {
              while !isOver.withLock({ $0 }) {
                let take = readiness.whenReadyOp { () -> Bool? in
                  tokens.withLock { count in
                    guard count > 0 else { return nil }
                    count -= 1
                    return true
                  }
                }
                if try choose(take, sleepOp(for: .microseconds(50)).wrap { false }) { taken.add() }
              }
            }
          }
          for _ in 0..<put {
            tokens.withLock { $0 += 1 }
            readiness.signal()
            Fiber.yield()
          }
          while tokens.withLock({ $0 }) > 0 { Fiber.yield() }
          isOver.withLock { $0 = true }
        }
        #expect(taken.value == put)
      }
    }
  }
}
