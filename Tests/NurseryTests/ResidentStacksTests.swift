import Nursery
import Testing

#if os(Linux)
  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Musl)
    import Musl
  #endif

  /// The memory of a burst's stacks is returned to the kernel; each test has a process of its own.
  @Suite(.disabled(if: isSanitized, "sanitizers keep freed memory"))
  struct ResidentStacksTests {
    @Test func memoryFallsBackWhileTheSchedulerRuns() async {
      await #expect(processExitsWith: .success) { try requireFallingBack(Configuration(parallelism: 1)) }
    }

    @Test func withTwoWorkersToo() async {
      await #expect(processExitsWith: .success) { try requireFallingBack(Configuration(parallelism: 2)) }
    }

    @Test func whileNoTimerIsSet() async {
      await #expect(processExitsWith: .success) {
        try requireFallingBack(Configuration(parallelism: 2, onDeadlock: .wait), inItsSleep: true)
      }
    }

    @Test func whileADeadlockIsSuspected() async {
      await #expect(processExitsWith: .success) {
        try requireFallingBack(Configuration(parallelism: 2), inItsSleep: true)
      }
    }
  }

  /// Parks 20,000 fibers, lets them end, and waits, with or without a timer, until four fifths of their memory have
  /// been returned.
  ///
  /// Traps if that does not happen within a minute.
  ///
  /// The rest are records, which later fibers reuse.
  private func requireFallingBack(_ configuration: Configuration, inItsSleep: Bool = false) throws {
    var configuration = configuration
    // Some kernels promise no more memory than there is, and four such processes run at once.
    configuration.stackSize = 32 << 10
    let baseline = residentKilobytes()
    try runFibers(configuration) {
      Scheduler.current!.stackPool.interval = 1_000_000
      let gate = Channel<Int>()
      var burst = 0
      try withNursery { nursery in
        for _ in 0..<20_000 { nursery.goAsync { _ = try gate.receive() } }
        waitUntilAllParked()
        burst = residentKilobytes() - baseline
        for number in 0..<20_000 { try gate.send(number) }
      }
      precondition(burst > 80_000, "the burst took \(burst) KiB only")
      let limit = baseline + burst / 5
      let deadline = ContinuousClock.now + .seconds(60)
      func isStillWaiting() -> Bool {
        precondition(
          ContinuousClock.now < deadline, "of \(burst) KiB \(residentKilobytes() - baseline) are still there")
        return residentKilobytes() > limit
      }
      if inItsSleep {
        let thread = PlainThread {
          while isStillWaiting() { usleep(1000) }
          try gate.send(0)
        }
        _ = try gate.receive()
        try thread.join()
      } else {
        while isStillWaiting() { try sleep(for: .milliseconds(1)) }
      }
    }
  }
#endif
