#if OPEN_FINDINGS
  import Nursery
  import Testing

  /// Rules that do not hold yet; build with -Xswiftc -DOPEN_FINDINGS.
  struct OpenFindings {
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
#endif
