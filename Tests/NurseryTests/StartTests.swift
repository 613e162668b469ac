import Nursery
import Testing

/// `nursery.start { started in ... }`: a child that reports when it has started.
struct StartTests {
  @Test(arguments: parallelisms) func itReturnsWhatTheChildSaysAndTheChildRunsOn(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      try withNursery { nursery in
        let port: Int = try nursery.start("server") { started in
          try sleep(for: .seconds(1))
          log.append("listening")
          started(80)
          try sleep(for: .seconds(1))
          log.append("served")
        }
        log.append("started \(port)")
      }
      try withNursery { nursery in
        try nursery.start { started in started() }
      }
    }
    #expect(log.entries == ["listening", "started 80", "served"])
  }

  @Test(arguments: parallelisms) func anErrorBeforeTheStartIsThrownByStartAndFailsNoOtherFiber(workers: Int) throws {
    try virtually(workers) {
      let value = try withNursery { nursery in
        let sibling = nursery.goAsync {
          try sleep(for: .seconds(5))
          return 5
        }
        expectThrows(Oops(3)) {
          try nursery.start { _ in
            try sleep(for: .seconds(1))
            throw Oops(3)
          }
        }
        #expect(!nursery.isCancelled)
        return try sibling.wait()
      }
      #expect(value == 5)
    }
  }

  @Test func anErrorAfterTheStartFailsTheNursery() throws {
    try virtually {
      expectThrows(Oops(3)) {
        try withNursery { nursery in
          try nursery.start { started in
            started()
            throw Oops(3)
          }
          try sleep(for: .seconds(100))
        }
      }
    }
  }

  @Test func endingWithoutHavingStartedIsAnError() throws {
    try virtually {
      try withNursery { nursery in
        let error = expectThrows(NotStartedError.self) { try nursery.start("mute") { _ in } }
        #expect(error?.fiber.name == "mute")
        #expect(error.map { "\($0)".contains("ended without having started") } == true)
      }
    }
  }

  @Test func inACancelledNurseryTheChildNeverRuns() throws {
    try virtually {
      try withNursery { nursery in
        nursery.cancel()
        expectThrows(CancellationError.self) {
          try withShield { try nursery.start { _ in throw Oops(1) } }
        }
      }
    }
  }

  @Test func inACancelledScopeTheChildIsNotSpawned() throws {
    try virtually {
      try withNursery { nursery in
        try withCancelScope { scope in
          scope.cancel()
          expectThrows(CancellationError.self) {
            try nursery.start { (_: Started<Void>) in Issue.record("a child was spawned") }
          }
        }
        #expect(nursery.childCount == 0)
      }
    }
  }

  @Test(arguments: parallelisms) func whenTheCallerIsCancelledTheChildHasEndedBeforeItIsThrown(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      try withNursery { nursery in
        expectThrows(TimeoutError.self) {
          try withTimeout(.seconds(1)) {
            try nursery.start { started in
              defer { log.append("child ended") }
              try sleep(for: .seconds(100))
              started()
            }
          }
        }
        log.append("start threw")
        #expect(nursery.childCount == 0)
        #expect(!nursery.isCancelled)
      }
    }
    #expect(log.entries == ["child ended", "start threw"])
  }

  @Test func anErrorOnTheWayOutIsThrownAlthoughTheCallerIsCancelled() throws {
    try virtually {
      try withNursery { nursery in
        expectThrows(Oops(7)) {
          try withTimeout(.seconds(1)) {
            try nursery.start { _ in do { try sleep(for: .seconds(9)) } catch { throw Oops(7) } }
          }
        }
        #expect(!nursery.isCancelled)
      }
    }
  }

  @Test func aDaemonMayBeStarted() throws {
    try virtually {
      try withNursery { nursery in
        let name: String = try nursery.start(daemon: true) { started in
          started("ticker")
          while true { try sleep(for: .seconds(1)) }
        }
        #expect(name == "ticker")
      }
    }
  }

  @Test func cancelledAtEveryCallStartLeavesNothingBehind() throws {
    let calls = try exploreCancellations {
      Counter()
    } body: { alive in
      try withNursery { nursery in
        let value: Int = try nursery.start { started in
          alive.add()
          defer { alive.add(-1) }
          try sleep(for: .seconds(1))
          started(1)
          try sleep(for: .seconds(1))
        }
        guard value == 1 else { throw Oops(1) }
      }
    } check: { alive, _ in
      guard alive.value == 0 else { throw Oops(2) }
    }
    #expect(calls >= 3)
  }

  @Test func startingTwiceTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try withNursery { nursery in
          try nursery.start { started in
            started()
            started()
          }
        }
      }
    }
    #expect(standardError(result).contains("started was called a second time"))
  }
}
