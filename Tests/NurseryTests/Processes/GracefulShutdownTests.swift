#if os(Linux)
  import Glibc
  import Nursery
  import Testing

  /// `withGracefulShutdown`.
  ///
  /// In processes of their own, because the signals would affect all tests.
  struct GracefulShutdownTests {
    #if compiler(>=6.3)  // closures with captures
      @Test(arguments: [SIGINT, SIGTERM]) func theFirstSignalDrains(signal: Int32) async {
        await #expect(processExitsWith: .success) { [signal] in try Scenes.theFirstSignalDrains(signal: signal) }
      }
    #endif

    @Test func whenTheGraceIsOverTheRestIsCancelled() async {
      await #expect(processExitsWith: .success) { try Scenes.whenTheGraceIsOverTheRestIsCancelled() }
    }

    @Test func whenTheGraceIsOverADumpTellsWhatHasNotEnded() async {
      await #expect(processExitsWith: .success) { try Scenes.whenTheGraceIsOverADumpTellsWhatHasNotEnded() }
    }

    @Test func withinTheGraceThereIsNoDump() async {
      await #expect(processExitsWith: .success) { try Scenes.withinTheGraceThereIsNoDump() }
    }

    @Test func aFiberThatHoldsItsWorkerIsCancelledAllTheSame() async {
      await #expect(processExitsWith: .success) { try Scenes.aFiberThatHoldsItsWorkerIsCancelledAllTheSame() }
    }

    @Test func theSecondSignalCancelsAtOnce() async {
      await #expect(processExitsWith: .success) { try Scenes.theSecondSignalCancelsAtOnce() }
    }

    @Test func theThirdSignalEndsTheProcess() async {
      await #expect(processExitsWith: .signal(SIGINT)) { try Scenes.theThirdSignalEndsTheProcess() }
    }

    @Test func withoutASignalItIsANurseryLikeAnyOther() async {
      await #expect(processExitsWith: .signal(SIGTERM)) { try Scenes.withoutASignalItIsANurseryLikeAnyOther() }
    }

    @Test func otherSignalsMayMeanTheEnd() async {
      await #expect(processExitsWith: .success) { try Scenes.otherSignalsMayMeanTheEnd() }
    }
  }

  /// The bodies of the processes.
  ///
  /// Not closures inside the macro's, which some compilers confuse (Swift 6.3.1).
  private enum Scenes {
    static func theFirstSignalDrains(signal: Int32) throws {
      let value = try withGracefulShutdown("server", grace: .seconds(100)) { nursery in
        kill(getpid(), signal)
        try drainingOp().perform()
        #expect(!nursery.isCancelled)
        return 7
      }
      #expect(value == 7)
    }

    static func whenTheGraceIsOverTheRestIsCancelled() throws {
      try withGracefulShutdown(grace: .milliseconds(20)) { nursery in
        nursery.goAsync {
          expectThrows(CancellationError.self) { try Op<Void>.never.perform() }
          expectEqual(nursery.reason, .drained)
        }
        kill(getpid(), SIGTERM)
      }
    }

    static func whenTheGraceIsOverADumpTellsWhatHasNotEnded() throws {
      let dump = Guarded("")
      try withGracefulShutdown(
        grace: .milliseconds(20), onGraceOver: { text in dump.withLock { $0 = text.description } }
      ) { nursery in
        nursery.goAsync("stubborn") {
          expectThrows(CancellationError.self) { try Op<Void>.never.perform() }
          expectEqual(nursery.reason, .drained)
          expectEqual(dump.withLock { $0.isEmpty }, false)
        }
        nursery.goAsync("obedient") { try drainingOp().perform() }
        kill(getpid(), SIGTERM)
      }
      let text = dump.withLock { $0 }
      #expect(text.contains("fiber \"stubborn\" spawned at NurseryTests/GracefulShutdownTests.swift:"))
      #expect(text.contains(", draining"))
      #expect(!text.contains("obedient"))
    }

    static func withinTheGraceThereIsNoDump() throws {
      try withGracefulShutdown(grace: .seconds(100), onGraceOver: { _ in exit(1) }) { nursery in
        nursery.goAsync { try drainingOp().perform() }
        kill(getpid(), SIGTERM)
      }
      try withGracefulShutdown(grace: .seconds(100), onGraceOver: { _ in exit(2) }) { nursery in
        nursery.goAsync {
          try drainingOp().perform()
          kill(getpid(), SIGTERM)
          expectThrows(CancellationError.self) { try Op<Void>.never.perform() }
          expectEqual(nursery.reason, .requested("SIGTERM came while it was draining"))
        }
        kill(getpid(), SIGINT)
      }
    }

    static func aFiberThatHoldsItsWorkerIsCancelledAllTheSame() throws {
      try withGracefulShutdown(
        grace: .milliseconds(1), onGraceOver: { _ in }, Configuration(parallelism: 1)
      ) { nursery in
        kill(getpid(), SIGTERM)
        try drainingOp().perform()
        while !Fiber.isCancelled {}
        expectEqual(nursery.reason, .drained)
      }
    }

    static func theSecondSignalCancelsAtOnce() throws {
      try withGracefulShutdown(grace: .seconds(100)) { nursery in
        nursery.goAsync {
          try drainingOp().perform()
          kill(getpid(), SIGTERM)
          expectThrows(CancellationError.self) { try Op<Void>.never.perform() }
          expectEqual(nursery.reason, .requested("SIGTERM came while it was draining"))
        }
        kill(getpid(), SIGINT)
      }
    }

    static func theThirdSignalEndsTheProcess() throws {
      try withGracefulShutdown(grace: .zero) { nursery in
        kill(getpid(), SIGINT)
        try? Op<Void>.never.perform()
        try withShield {
          // The listener is closed with the daemon that holds it.
          while true {
            try sleep(for: .milliseconds(1))
            kill(getpid(), SIGINT)
          }
        }
      }
    }

    static func withoutASignalItIsANurseryLikeAnyOther() throws {
      let value = try withGracefulShutdown(grace: .seconds(1)) { nursery in
        try nursery.goAsync { 3 }.wait()
      }
      #expect(value == 3)
      kill(getpid(), SIGTERM)
      waitToBeEnded()
    }

    static func otherSignalsMayMeanTheEnd() throws {
      try withGracefulShutdown(grace: .seconds(100), signals: [.user1]) { _ in
        kill(getpid(), SIGUSR1)
        try drainingOp().perform()
      }
    }
  }
#endif
