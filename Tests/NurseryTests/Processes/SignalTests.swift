#if os(Linux)
  import Glibc
  import Nursery
  import Testing

  /// Signals.
  ///
  /// In processes of their own, because a signal would affect all tests.
  struct SignalTests {
    @Test func aSignalIsReceivedAndHasNoOtherEffect() async {
      await #expect(processExitsWith: .success) { try Scenes.aSignalIsReceivedAndHasNoOtherEffect() }
    }

    #if compiler(>=6.3)  // closures with captures
      @Test(arguments: parallelisms) func signalsWithoutAWaiterAreKeptOnceEach(workers: Int) async {
        await #expect(processExitsWith: .success) { [workers] in
          try Scenes.signalsWithoutAWaiterAreKeptOnceEach(workers: workers)
        }
      }
    #endif

    @Test func everyListenerGetsTheSignal() async {
      await #expect(processExitsWith: .success) { try Scenes.everyListenerGetsTheSignal() }
    }

    @Test func aChoiceThatIsLostTakesNoSignal() async {
      await #expect(processExitsWith: .success) { try Scenes.aChoiceThatIsLostTakesNoSignal() }
    }

    @Test func aLoopOverSignalsEndsWithTheListener() async {
      await #expect(processExitsWith: .success) { try Scenes.aLoopOverSignalsEndsWithTheListener() }
    }

    @Test func closingWakesTheWaiters() async {
      await #expect(processExitsWith: .success) { try Scenes.closingWakesTheWaiters() }
    }

    @Test func withTheLastListenerTheSignalIsWhatItWas() async {
      await #expect(processExitsWith: .signal(SIGTERM)) { try Scenes.withTheLastListenerTheSignalIsWhatItWas() }
    }

    @Test func aHandlerThatWasThereComesBack() async {
      await #expect(processExitsWith: .exitCode(42)) { try Scenes.aHandlerThatWasThereComesBack() }
    }

    @Test func listeningToASignalThatCannotBeCaughtIsAnError() async {
      await #expect(processExitsWith: .success) { try Scenes.listeningToASignalThatCannotBeCaughtIsAnError() }
    }

    @Test func aFloodOfSignalsWhileListenersComeAndGoDoesNoHarm() async {
      await #expect(processExitsWith: .success) { try Scenes.aFloodOfSignalsWhileListenersComeAndGoDoesNoHarm() }
    }

    @Test func aWriteToAPipeWithoutReadersIsAnErrorAndNotTheEnd() async {
      await #expect(processExitsWith: .success) { try Scenes.aWriteToAPipeWithoutReadersIsAnErrorAndNotTheEnd() }
    }

    @Test func aListenerThatHasGoneDoesNotMakeBrokenPipesTheEnd() async {
      await #expect(processExitsWith: .success) { try Scenes.aListenerThatHasGoneDoesNotMakeBrokenPipesTheEnd() }
    }

    @Test func brokenPipesAreHandledOnTheSignalStack() async {
      await #expect(processExitsWith: .success) { try Scenes.brokenPipesAreHandledOnTheSignalStack() }
    }

    @Test func aHandlerOfTheProgramsForBrokenPipesStays() async {
      await #expect(processExitsWith: .exitCode(42)) { try Scenes.aHandlerOfTheProgramsForBrokenPipesStays() }
    }
  }

  /// The thread that handles a signal may be another one.
  func waitToBeEnded() -> Never {
    while true { pause() }
  }

  /// The bodies of the processes.
  ///
  /// Not closures inside the macro's, which some compilers confuse (Swift 6.3.1).
  private enum Scenes {
    static func aSignalIsReceivedAndHasNoOtherEffect() throws {
      try withNursery { nursery in
        let listener = try SignalListener([.interrupt, .terminate])
        kill(getpid(), SIGTERM)
        #expect(try listener.wait() == .terminate)
        nursery.goAsync { kill(getpid(), SIGINT) }
        #expect(try listener.wait() == .interrupt)
      }
    }

    static func signalsWithoutAWaiterAreKeptOnceEach(workers: Int) throws {
      try runFibers(Configuration(parallelism: workers)) {
        // Another thread may handle a signal; the listener that was opened last gets it first.
        let witness = try SignalListener([.user1, .user2])
        let listener = try SignalListener([.user1, .user2])
        for signal in [SIGUSR2, SIGUSR1, SIGUSR1, SIGUSR2] {
          kill(getpid(), signal)
          #expect(try witness.wait().rawValue == signal)
        }
        #expect(try listener.wait() == .user1)
        #expect(try listener.wait() == .user2)
        expectThrows(TimeoutError.self) { try listener.waitOp().orTimeout(after: .zero).perform() }
      }
    }

    static func everyListenerGetsTheSignal() throws {
      try withNursery { nursery in
        let listeners = try (0..<3).map { _ in try SignalListener([.user1]) }
        let heard = listeners.map { listener in nursery.goAsync { try listener.wait() } }
        kill(getpid(), SIGUSR1)
        #expect(try waitAll(heard) == [.user1, .user1, .user1])
      }
    }

    static func aChoiceThatIsLostTakesNoSignal() throws {
      try withNursery { _ in
        let listener = try SignalListener([.user1])
        for _ in 0..<100 {
          kill(getpid(), SIGUSR1)
          let isHeard = try choose(listener.waitOp().wrap { _ in true }, Op.always(false))
          if !isHeard { #expect(try listener.wait() == .user1) }
        }
      }
    }

    static func aLoopOverSignalsEndsWithTheListener() throws {
      try withNursery { nursery in
        let listener = try SignalListener([.user1, .user2])
        let heard = nursery.goAsync {
          var heard: [Signal] = []
          for signal in listener {
            heard.append(signal)
            if signal == .user2 { listener.close() } else { kill(getpid(), SIGUSR2) }
          }
          return heard
        }
        kill(getpid(), SIGUSR1)
        #expect(try heard.wait() == [.user1, .user2])
        expectThrows(StreamClosedError.self) { try listener.wait() }
      }
    }

    static func closingWakesTheWaiters() throws {
      try withNursery { nursery in
        let listener = try SignalListener([.user1])
        nursery.goAsync { listener.close() }
        let error = expectThrows(StreamClosedError.self) { try listener.wait() }
        expectEqual(error?.stream, "the listener to SIGUSR1")
      }
    }

    static func withTheLastListenerTheSignalIsWhatItWas() throws {
      try withNursery { _ in
        let first = try SignalListener([.terminate])
        let second = try SignalListener([.terminate])
        first.close()
        first.close()
        kill(getpid(), SIGTERM)
        #expect(try second.wait() == .terminate)
        second.close()
      }
      kill(getpid(), SIGTERM)
      waitToBeEnded()
    }

    static func aHandlerThatWasThereComesBack() throws {
      signal(SIGUSR1) { _ in _exit(42) }
      try withNursery { _ in
        var listener: SignalListener? = try SignalListener([.user1])
        kill(getpid(), SIGUSR1)
        #expect(try listener!.wait() == .user1)
        listener = nil
      }
      kill(getpid(), SIGUSR1)
      waitToBeEnded()
    }

    static func listeningToASignalThatCannotBeCaughtIsAnError() throws {
      try withNursery { _ in
        let before = Surroundings.descriptorCount
        for _ in 0..<100 {
          let error = expectThrows(SystemError.self) { try SignalListener([.user1, .kill]) }
          expectEqual(error?.code, EINVAL)
          expectThrows(SystemError.self) { try SignalListener([Signal(rawValue: 1000)]) }
        }
        // The testing library may open some at any time.
        #expect(Surroundings.descriptorCount < before + 20)
      }
    }

    static func aFloodOfSignalsWhileListenersComeAndGoDoesNoHarm() throws {
      // The last of them may be delivered after the last listener is closed.
      signal(SIGUSR1, SIG_IGN)
      try runFibers(Configuration(parallelism: 2)) {
        let outer = try SignalListener([.user1])
        let before = Surroundings.descriptorCount
        try withNursery { nursery in
          let flood = PlainThread { for _ in 0..<20_000 { kill(getpid(), SIGUSR1) } }
          for _ in 0..<4 {
            nursery.goAsync {
              for _ in 0..<500 {
                let listener = try SignalListener([.user1, .user2])
                _ = try listener.waitOp().poll()
                listener.close()
              }
            }
          }
          try flood.join()
        }
        #expect(try outer.wait() == .user1)
        // The testing library may open some at any time.
        #expect(Surroundings.descriptorCount < before + 20)
      }
    }

    static func aWriteToAPipeWithoutReadersIsAnErrorAndNotTheEnd() throws {
      try withNursery { _ in
        let process = try Command("true", input: .pipe).start()
        #expect(try process.wait().isSuccess)
        let error = expectThrows(SystemError.self) { try process.input!.writeAll("without a reader") }
        expectEqual(error?.code, EPIPE)
      }
    }

    static func aListenerThatHasGoneDoesNotMakeBrokenPipesTheEnd() throws {
      try withNursery { _ in
        let listener = try SignalListener([.brokenPipe])
        let (reader, writer) = try PipeStream.pair()
        reader.close()
        expectThrows(SystemError.self) { try writer.writeAll("without a reader") }
        expectEqual(try listener.wait(), .brokenPipe)
        listener.close()
        expectThrows(SystemError.self) { try writer.writeAll("without a reader") }
      }
    }

    static func brokenPipesAreHandledOnTheSignalStack() throws {
      try withNursery { _ in
        _ = try PipeStream.pair()
        var action = sigaction()
        #expect(sigaction(SIGPIPE, nil, &action) == 0)
        #expect(action.sa_flags & SA_ONSTACK != 0)
      }
    }

    static func aHandlerOfTheProgramsForBrokenPipesStays() throws {
      signal(SIGPIPE) { _ in _exit(42) }
      try Command("true").run().requireSuccess()
      kill(getpid(), SIGPIPE)
      waitToBeEnded()
    }
  }
#endif
