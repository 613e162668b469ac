import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Workers are added and retired, and stand-ins run, under a load that loses nothing.
@Suite(.serialized) struct WorkerCountStressTests {
  @Test(arguments: [2, 3], [Configuration.Migration.never, .whenWaiting])
  func nothingIsLostWhileWorkersComeAndGo(workers: Int, migration: Configuration.Migration) throws {
    for round in 0..<5 * stressFactor {
      let ledger = Ledger()
      let configuration = Configuration(parallelism: workers, timeSlice: .microseconds(100), migration: migration)
      let left = try runFibers(configuration) {
        let scheduler = try #require(Scheduler.current)
        let channels = [Channel<Int>(), Channel<Int>(.bounded(3))]
        try withNursery { nursery in
          for number in 0..<12 {
            nursery.goAsync { try work(channels, ledger, number + round * 100) }
          }
          nursery.goAsync { try change(scheduler, round) }
          try PlainThread { try change(scheduler, round + 1) }.join()
        }
        return channels[1].tryReceiveAll()
      }
      #expect(ledger.sent.value == ledger.received.value + left)
    }
  }

  /// Sends and receives, with timers that win and lose, spawns, and now and then computes for longer than a time slice.
  private func work(_ channels: [Channel<Int>], _ ledger: Ledger, _ seed: Int) throws {
    var dice = Dice(seed)
    for turn in 1...150 {
      let channel = channels[dice.roll(2)]
      let timeout = timeoutOp(after: .microseconds(dice.roll(60))).wrap { 0 }
      switch dice.roll(6) {
      case 0, 1: ledger.sent.add(try channel.sendOp(turn).wrap { turn }.or(timeout).perform())
      case 2, 3: ledger.received.add(try channel.receiveOp().or(timeout).perform())
      case 4:
        // Waited for by handle: the thread sanitizer cannot see that the last release of a handle comes after the
        // fiber's end.
        try withNursery { inner in try waitAll((0..<3).map { _ in inner.goAsync { Fiber.yield() } }) }
      default:
        let spins = dice.roll(20)
        for _ in 0..<spins { sched_yield() }
        _ = try withTimeoutOrNil(.microseconds(dice.roll(30))) { try Op<Void>.never.perform() }
      }
    }
  }

  private func change(_ scheduler: Scheduler, _ seed: Int) throws {
    var dice = Dice(seed)
    var added = 0
    for _ in 0..<40 {
      if added > 3 || added > -1 && dice.roll(2) == 0 {
        // The other fiber may have retired the last worker that can be retired.
        if (try? scheduler.retireWorker()) != nil { added -= 1 }
      } else {
        try scheduler.spawnWorker()
        added += 1
      }
      try sleep(for: .microseconds(dice.roll(100)))
    }
  }
}

extension Channel where Element == Int {
  /// The sum of the buffered elements.
  fileprivate func tryReceiveAll() -> Int {
    var sum = 0
    while let value = tryReceive() { sum += value }
    return sum
  }
}
