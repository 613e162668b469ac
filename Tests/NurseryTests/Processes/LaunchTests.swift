#if os(Linux)
  import CSwitch
  import Glibc
  import Nursery
  import Testing

  /// The descriptors that a launch holds, and the attributes that a child inherits.
  struct LaunchTests {
    /// Some hundred launches; a stage of CI makes 3,000.
    @Test func aProgramThatHasJustBeenWrittenRunsWhileOthersAreLaunched() async {
      await #expect(processExitsWith: .success) { try LaunchScenes.justWritten() }
    }

    @Test func aClosedDescriptorIsClosedWhileOtherCommandsAreLaunched() async {
      await #expect(processExitsWith: .success) { try LaunchScenes.closing() }
    }

    @Test(.enabled(if: mayOpen(610), "it needs 610 descriptors")) func aChildIsGivenAnyNumberOfDescriptors() throws {
      var command = Command("ls", "/proc/self/fd")
      for number in 3..<603 { command.descriptors[Int32(number)] = 2 }
      // One more is the folder that ls reads.
      #expect(try command.run().text.split(separator: "\n").count == 604)
    }

    @Test func aChildInheritsWhatTheProcessAndTheThreadHaveAtThatMoment() async {
      await #expect(processExitsWith: .success) { try LaunchScenes.inheritance() }
    }

    @Test func aLaunchThatIsCancelledLeavesNoDescriptorOpen() async {
      await #expect(processExitsWith: .success) { try LaunchScenes.cancellation() }
    }

    /// Under the thread sanitizer the child of a process with threads cannot start a thread.
    @Test(.enabled(if: !isSanitized)) func aForkedProcessLaunchesByItself() async {
      await #expect(processExitsWith: .success) { try LaunchScenes.fork() }
    }
  }

  /// Each in a process of its own, without other launches: forks by other libraries hold any descriptors for a while.
  private enum LaunchScenes {
    static func justWritten() throws {
      try withDirectory { folder in
        try runFibers(Configuration(parallelism: 2)) {
          let busy = try (0..<8).concurrentMap(limit: 8) { launcher in
            var busy = 0
            for _ in 0..<15 {
              let path = "\(folder)/\(launcher)"
              let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o700)
              write(file, "#!/bin/true\n", 12)
              close(file)
              do { _ = try Command(path).run().requireSuccess() } catch let error as LaunchError {
                expectEqual(error.cause.code, ETXTBSY)
                busy += 1
              }
              unlink(path)
            }
            return busy
          }
          expectEqual(busy, [Int](repeating: 0, count: 8))
        }
      }
    }

    static func closing() throws {
      try runFibers(Configuration(parallelism: 2)) {
        // A launch holds only the descriptors that it was given; the first one in the process starts the launcher.
        try Command("true").run().requireSuccess()
        try withNursery { nursery in
          let launches = (0..<4).map { _ in
            nursery.goAsync { for _ in 0..<40 { try Command("true").run().requireSuccess() } }
          }
          while !launches.allSatisfy(\.isFinished) {
            let (reader, writer) = try PipeStream.pair()
            let listener = try TCPListener(port: 0)
            try sleep(for: .microseconds(200))
            writer.close()
            expectEqual(
              try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { try reader.tryRead(into: $0) }, 0)
            listener.close()
            let error = expectThrows(SystemError.self) { try TCPStream.connect(to: listener.address) }
            expectEqual(error?.code, ECONNREFUSED)
            reader.close()
          }
        }
      }
    }

    /// All these attributes are changed after the launcher has started.
    static func inheritance() throws {
      let script = """
        pwd; umask; ulimit -n; nice; echo $NURSERY_TEST; grep -E 'NoNewPrivs|Cpus_allowed:|CapEff' /proc/self/status
        cat /proc/self/timerslack_ns
        """
      let slack = cs_timers_slack()
      try runFibers(Configuration(parallelism: 1)) {
        let before = try Command("sh", "-c", script).run().requireSuccess().text.split(separator: "\n")
        chdir("/proc")
        umask(0o027)
        var limit = rlimit(rlim_cur: 55, rlim_max: 55)
        setrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
        setpriority(numericCast(PRIO_PROCESS.rawValue), 0, 7)
        setenv("NURSERY_TEST", "changed", 1)
        let setNoNewPrivileges: Int32 = 38
        typealias ProcessControl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        _ = call("prctl", as: ProcessControl.self)(setNoNewPrivileges, 1, 0, 0, 0)
        typealias Affinity = @convention(c) (pid_t, Int, UnsafeMutablePointer<UInt>) -> Int32
        var processors = [UInt](repeating: 0, count: 128)
        _ = call("sched_getaffinity", as: Affinity.self)(0, 1024, &processors)
        let lowest = processors[0] & (0 &- processors[0])
        processors = [lowest] + [UInt](repeating: 0, count: 127)
        if lowest != 0 { _ = call("sched_setaffinity", as: Affinity.self)(0, 1024, &processors) }
        let after = try Command("sh", "-c", script).run().requireSuccess().text.split(separator: "\n")
        #expect(after.prefix(5) == ["/proc", "0027", "55", "7", "changed"])
        #expect(after.contains("NoNewPrivs:\t1"))
        #expect(after.filter { $0.hasPrefix("CapEff") } == before.filter { $0.hasPrefix("CapEff") })
        let allowed = after.first { $0.hasPrefix("Cpus_allowed") }!.split(separator: "\t")[1]
        if lowest != 0 { #expect(allowed.filter { $0 != "0" && $0 != "," }.count == 1) }
        #expect(after.last == "\(slack)", "workers wake on time; programs do as before")
      }
    }

    /// A function of the C library that Swift does not import.
    private static func call<Function>(_ name: String, as type: Function.Type) -> Function {
      unsafeBitCast(dlsym(nil, name), to: type)
    }

    static func cancellation() throws {
      try runFibers(Configuration(parallelism: 2)) {
        try Command("true").run().requireSuccess()
        let before = Surroundings.descriptorCount
        for round in 0..<60 {
          try withNursery { nursery in
            for _ in 0..<4 { nursery.goAsync { _ = try Command("cat", input: .pipe, output: .pipe).start().wait() } }
            try sleep(for: .microseconds(Int64(20 * round)))
            nursery.cancel()
          }
        }
        #expect(Surroundings.descriptorCount <= before + 4)
      }
      try Surroundings.expectNoDescendants()
    }

    /// Forks as a program does that becomes a daemon.
    static func fork() throws {
      try Command("true").run().requireSuccess()
      let child = Glibc.fork()
      if child == 0 {
        alarm(20)
        let isRun = (try? Command("echo", "hello").run().text) == "hello\n"
        _exit(isRun ? 0 : 1)
      }
      var status: Int32 = -1
      #expect(waitpid(child, &status, 0) == child)
      #expect(status == 0)
      try Command("true").run().requireSuccess()
    }
  }
#endif
