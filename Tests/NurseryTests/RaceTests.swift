import Nursery
import Testing

/// Short races, run often.
@Suite(.serialized) struct RaceTests {
  @Test(arguments: [1, 2]) func schedulersThatEndWhileOutsidersStillWakeThem(workers: Int) throws {
    let ready = Channel<Int>()
    let rounds = 300 * stressFactor
    let waker = PlainThread {
      for round in 0..<rounds { try ready.send(round) }
    }
    for round in 0..<rounds {
      let received = try runFibers(Configuration(parallelism: workers)) {
        if round % 2 == 0 { return try ready.receive() }
        return try withNursery { try $0.goAsync { try ready.receive() }.wait() }
      }
      #expect(received == round)
    }
    try waker.join()
  }

  @Test func cancellingDeepScopesThatComeAndGoIsHarmless() throws {
    for round in 0..<100 * stressFactor {
      try runFibers(Configuration(parallelism: 2)) {
        try withNursery { nursery in
          for _ in 0..<4 {
            nursery.goAsync {
              while true {
                try withCancelScope { _ in
                  try withTimeout(.seconds(100)) {
                    try withShield { Fiber.yield() }
                    try withCancelScope { _ in Fiber.yield() }
                    try withCancelScope { _ in try Fiber.checkCancellation() }
                  }
                }
              }
            }
          }
          for _ in 0..<round % 40 { Fiber.yield() }
          nursery.cancel()
        }
      }
    }
  }

  @Test func aShieldIsNeverPiercedByACancellationThatRacesWithIt() throws {
    for round in 0..<200 * stressFactor {
      let pierced = Counter()
      try runFibers(Configuration(parallelism: 2)) {
        let channel = Channel<Int>(.bounded(1))
        try withNursery { nursery in
          nursery.goAsync {
            try withNursery { inner in
              inner.goAsync {
                while true {
                  try Fiber.checkCancellation()
                  do { try withShield { try sleep(for: .microseconds(1)) } } catch { pierced.add() }
                }
              }
              for _ in 0..<round % 60 { try sleep(for: .microseconds(1)) }
              inner.cancel()
            }
          }
          nursery.goAsync {
            for _ in 0..<100 {
              try channel.send(1)
              _ = try channel.receive()
            }
          }
        }
      }
      #expect(pierced.value == 0)
    }
  }

  @Test(arguments: [1, 2, 3]) func conditionsTimersAndFibersRaceForOneChoice(workers: Int) throws {
    for _ in 0..<10 * stressFactor {
      let wins = Log<Int>()
      try runFibers(Configuration(parallelism: workers)) {
        try withNursery { nursery in
          for number in 0..<100 {
            let condition = Condition()
            let channel = Channel<Int>()
            let fiber = nursery.goAsync { number % 5 == 0 ? 3 : try Op<Int>.never.perform() }
            nursery.goAsync { condition.signal() }
            let sender = nursery.goAsync { try channel.send(1) }
            wins.append(
              try choose(
                condition.waitOp().wrap { 0 }, channel.receiveOp(), fiber.waitOp(),
                timeoutOp(after: .microseconds(number % 30)).wrap { 2 }))
            fiber.cancel()
            sender.cancel()
          }
        }
      }
      #expect(wins.entries.count == 100)
    }
  }

  @Test(arguments: [2, 3]) func virtualTimeStandsStillWhileAnyFiberCanRun(workers: Int) throws {
    let late = Counter()
    for round in 0..<50 * stressFactor {
      try virtually(workers) {
        let channel = Channel<Int>()
        for number in 0..<20 {
          goAsync {
            var dice = Dice(round * 100 + number)
            for _ in 0..<20 {
              let delay = Duration.microseconds(1 + dice.roll(100))
              let due = FiberClock.now.advanced(by: delay)
              try sleep(for: delay)
              if FiberClock.now != due { late.add() }
              if dice.roll(3) == 0 { _ = try channel.trySend(1) } else { _ = channel.tryReceive() }
              if dice.roll(4) == 0 { Fiber.yield() }
            }
          }
        }
      }
    }
    #expect(late.value == 0)
  }
}
