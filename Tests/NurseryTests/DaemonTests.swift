import Nursery
import Testing

/// `goAsync(daemon: true)`: children that are cancelled when all others have ended.
struct DaemonTests {
  @Test(arguments: parallelisms) func daemonsAreCancelledAndAwaitedWhenTheChildrenHaveEnded(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      let value = try withNursery { nursery in
        nursery.goAsync(daemon: true) {
          defer { log.append("daemon \(Fiber.cancellationReason.map { "\($0)" } ?? "-")") }
          while true { try sleep(for: .seconds(1)) }
        }
        nursery.goAsync {
          try sleep(for: .milliseconds(3500))
          log.append("child")
        }
        #expect(nursery.childCount == 1)
        return 7
      }
      #expect(value == 7)
    }
    #expect(log.entries == ["child", "daemon its nursery has ended"])
  }

  @Test func aTickerOnlyProgramEndsWhenItsNurseryDoes() throws {
    let ticks = Counter()
    try runFibers(.deterministic(seed: 1)) {
      goAsync(daemon: true) {
        while true {
          try sleep(for: .seconds(1))
          ticks.add()
        }
      }
      try sleep(for: .milliseconds(10_500))
    }
    #expect(ticks.value == 10)
  }

  @Test func aDaemonsFailureFailsTheNursery() throws {
    try virtually {
      expectThrows(Oops(4)) {
        try withNursery { nursery in
          nursery.goAsync(daemon: true) { throw Oops(4) }
          try sleep(for: .seconds(1000))
        }
      }
      expectThrows(Oops(5)) {
        try withNursery { nursery in
          nursery.goAsync(daemon: true) {
            do { try sleep(for: .seconds(1)) } catch { throw Oops(5) }
          }
          try sleep(for: .milliseconds(1))
        }
      }
    }
  }

  @Test func aDaemonsChildrenAreChildrenOfTheNursery() throws {
    let log = Log<String>()
    try virtually {
      try withNursery("n") { nursery in
        nursery.goAsync("d", daemon: true) {
          log.append(Fiber.current!.description)
          goAsync("c") {
            try sleep(for: .seconds(1))
            log.append(Fiber.current!.description)
          }
          defer { log.append("daemon ended") }
          try sleep(for: .seconds(100))
        }
        try sleep(for: .milliseconds(1))
      }
    }
    #expect(log.entries == ["fiber \"d\" in n", "fiber \"c\" in n", "daemon ended"])
  }

  @Test(arguments: parallelisms) func aChildThatAnEndingDaemonSpawnsIsAwaited(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      try withNursery { nursery in
        nursery.goAsync(daemon: true) {
          do { try sleep(for: .seconds(100)) } catch {
            goAsync {
              try sleep(for: .seconds(1))
              log.append("farewell")
            }
            // The nursery is ending its daemons, so this one is spawned into a cancelled scope.
            goAsync(daemon: true) { log.append("never") }
          }
        }
        try sleep(for: .milliseconds(1))
      }
      log.append("after")
    }
    #expect(log.entries == ["farewell", "after"])
  }

  @Test func cancellingTheNurseryReachesDaemons() throws {
    let reasons = Log<CancellationReason?>()
    try virtually {
      try withNursery { nursery in
        let daemon = nursery.goAsync(daemon: true) {
          defer { reasons.append(Fiber.cancellationReason) }
          try sleep(for: .seconds(100))
        }
        let other = nursery.goAsync(daemon: true) {
          defer { reasons.append(Fiber.cancellationReason) }
          try sleep(for: .seconds(100))
        }
        try sleep(for: .milliseconds(1))
        try other.cancelAndWait()
        nursery.cancel("enough")
        _ = try withShield { try daemon.result() }
      }
    }
    #expect(reasons.entries == [.requested(nil), .requested("enough")])
  }

  @Test func daemonsDoNotCountAgainstTheLimit() throws {
    try virtually {
      try withNursery(limit: 1) { nursery in
        let ticks = Channel<Int>()
        nursery.goAsync(daemon: true) { for number in 0... { try ticks.send(number) } }
        nursery.goAsync(daemon: true) { for number in 0... { try ticks.send(number) } }
        try nursery.goAsync { for _ in 0..<10 { _ = try ticks.receive() } }.wait()
      }
    }
  }

  @Test func everyScheduleEndsTheDaemons() throws {
    let report = try exploreSchedules(.exhaustive(limit: 50_000)) {
      let ended = Counter()
      let numbers = Channel<Int>()
      try withNursery { nursery in
        nursery.goAsync(daemon: true) {
          defer { ended.add() }
          try numbers.send(1)
          try numbers.send(2)
        }
        nursery.goAsync {
          guard try numbers.receive() == 1 else { throw Oops(1) }
          ended.add()
        }
      }
      guard ended.value == 2 else { throw Oops(2) }
    }
    #expect(report.isExhausted)
  }

  @Test func spawningADaemonAfterTheCloseTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let kept = try withNursery("gone") { $0 }
        kept.goAsync("late", daemon: true) {}
      }
    }
    #expect(standardError(result).contains("fiber \"late\""))
    #expect(standardError(result).contains("nursery \"gone\""))
  }
}
