#if os(Linux)
  import Glibc
  import Nursery
  import Testing

  /// The nursery owns the process and all its descendants.
  ///
  /// In processes of their own, because the tests count the descendants of the whole process.
  struct ProcessTreeTests {
    @Test func aProcessThatIgnoresTheRequestIsKilledAfterTheGrace() async {
      await #expect(processExitsWith: .success) { try Scenes.aProcessThatIgnoresTheRequestIsKilledAfterTheGrace() }
    }

    @Test func aProcessThatEndsOnRequestIsNotKilled() async {
      await #expect(processExitsWith: .success) { try Scenes.aProcessThatEndsOnRequestIsNotKilled() }
    }

    @Test func aProcessThatIsStoppedIsEnded() async {
      await #expect(processExitsWith: .success) { try Scenes.aProcessThatIsStoppedIsEnded() }
    }

    @Test func aProcessThatLeavesTheSessionAndLosesItsParentsIsEnded() async {
      await #expect(processExitsWith: .success) { try Scenes.aProcessThatLeavesTheSessionAndLosesItsParentsIsEnded() }
    }

    @Test func aCommandThatIsCancelledWhileItRunsIsEnded() async {
      await #expect(processExitsWith: .success) { try Scenes.aCommandThatIsCancelledWhileItRunsIsEnded() }
    }

    @Test func terminateEndsOneAndTheOthersRunOn() async {
      await #expect(processExitsWith: .success) { try Scenes.terminateEndsOneAndTheOthersRunOn() }
    }

    #if compiler(>=6.3)  // closures with captures
      @Test(.enabled(if: mayOpen(200), "it needs 200 descriptors"), arguments: parallelisms)
      func aStormOfCancellationsLeavesNothing(workers: Int) async {
        await #expect(processExitsWith: .success) { [workers] in
          try Scenes.aStormOfCancellationsLeavesNothing(workers: workers)
        }
      }
    #endif

    @Test func signalsReachTheProcessAloneOrTheWholeTree() async {
      await #expect(processExitsWith: .success) { try Scenes.signalsReachTheProcessAloneOrTheWholeTree() }
    }

    @Test func noNumberOfSignalsKeepsAProcessFromBeingEnded() async {
      await #expect(processExitsWith: .success) { try Scenes.noNumberOfSignalsKeepsAProcessFromBeingEnded() }
    }

    @Test func theProgramsOwnChildrenAndItsSignalsAreItsOwn() async {
      await #expect(processExitsWith: .success) { try Scenes.theProgramsOwnChildrenAndItsSignalsAreItsOwn() }
    }
  }

  /// The bodies of the processes.
  ///
  /// Not closures inside the macro's, which some compilers confuse (Swift 6.3.1).
  private enum Scenes {
    static func aProcessThatIgnoresTheRequestIsKilledAfterTheGrace() throws {
      let status = try withNursery { _ in
        var command = Command("sh", "-c", "trap '' TERM; echo ready; while true; do sleep 1; done", output: .pipe)
        command.grace = .milliseconds(50)
        let process = try command.start()
        _ = try process.output!.read(upTo: 100)
        return process
      }.status
      #expect(status == .signalled(.kill))
      try Surroundings.expectNoDescendants()
    }

    static func aProcessThatEndsOnRequestIsNotKilled() throws {
      let process = try withNursery { _ in
        let command = Command(
          "sh", "-c", "trap 'exit 9' TERM; echo ready; while true; do sleep 0.01; done", output: .pipe)
        let process = try command.start()
        _ = try process.output!.read(upTo: 100)
        return process
      }
      #expect(process.status == .exited(9))
      try Surroundings.expectNoDescendants()
    }

    static func aProcessThatIsStoppedIsEnded() throws {
      let process = try withNursery { _ in
        let process = try Command("cat", input: .pipe).start()
        process.kill(.stop)
        return process
      }
      #expect(process.status == .signalled(.terminate))
      try Surroundings.expectNoDescendants()
    }

    static func aProcessThatLeavesTheSessionAndLosesItsParentsIsEnded() throws {
      let marked = "1000.\(getpid())"
      try withNursery { _ in
        let script = """
          (setsid sh -c 'trap "" TERM HUP; echo one; sleep 1000.1 & setsid sleep 1000.1 & wait' &)
          (setsid setsid sleep 1000.1 &)
          sleep 1000.1 & echo two
          """.replacing("1000.1", with: marked)
        var command = Command("sh", "-c", script, output: .pipe)
        command.grace = .milliseconds(50)
        let process = try command.start()
        var text = ""
        while text.count < 8 { text += String(decoding: try process.output!.read(upTo: 100), as: UTF8.self) }
        #expect(try process.wait() == .exited(0))
        expectSoon { Surroundings.processes(withArgument: marked).count == 4 }
      }
      #expect(Surroundings.processes(withArgument: marked) == [])
      try Surroundings.expectNoDescendants()
    }

    static func aCommandThatIsCancelledWhileItRunsIsEnded() throws {
      try withNursery { _ in
        let result = try withTimeoutOrNil(.milliseconds(50)) {
          try Command("sh", "-c", "sleep 1000 | sleep 1000").run()
        }
        #expect(result == nil)
        try Surroundings.expectNoDescendants()
      }
    }

    static func terminateEndsOneAndTheOthersRunOn() throws {
      try withNursery { _ in
        let first = try Command("sleep", "1000").start()
        let second = try Command("cat", input: .pipe).start()
        first.terminate()
        #expect(try first.wait() == .signalled(.terminate))
        second.input!.close()
        #expect(try second.wait() == .exited(0))
      }
      try Surroundings.expectNoDescendants()
    }

    static func aStormOfCancellationsLeavesNothing(workers: Int) throws {
      let marked = "1000.\(getpid())"
      try runFibers(Configuration(parallelism: workers)) {
        let before = Surroundings.descriptorCount
        for round in 0..<20 {
          try withNursery { nursery in
            for _ in 0..<10 {
              nursery.goAsync {
                _ = try Command(
                  "sh", "-c", "(setsid sleep \(marked) &); sleep \(marked) & head -c 100000 /dev/zero; wait"
                ).run(
                  input: [UInt8](repeating: 0, count: 100_000))
              }
            }
            try sleep(for: .milliseconds(Int64(round)))
            nursery.cancel()
          }
        }
        // The reactor has opened its own meanwhile.
        #expect(Surroundings.descriptorCount <= before + 2 + 2 * workers)
      }
      #expect(Surroundings.processes(withArgument: marked) == [])
      try Surroundings.expectNoDescendants()
    }

    static func signalsReachTheProcessAloneOrTheWholeTree() throws {
      let script =
        "(trap 'echo child; exit' USR1; echo ready; while true; do sleep 0.01; done) & trap 'echo parent' USR1; echo ready; while ! wait; do :; done"
      try withNursery { _ in
        let process = try Command("sh", "-c", script, output: .pipe).start()
        func next() throws -> String { String(decoding: try process.output!.read(upTo: 100), as: UTF8.self) }
        var text = ""
        while text.count < 12 { text += try next() }
        process.kill(.user1)
        #expect(try next() == "parent\n")
        process.kill(.user1, wholeTree: true)
        text = ""
        while text.count < 13 { text += try next() }
        #expect(Set(text.split(separator: "\n")) == ["child", "parent"])
      }
      try Surroundings.expectNoDescendants()
    }

    static func noNumberOfSignalsKeepsAProcessFromBeingEnded() throws {
      for (grace, response, status) in [(100, "exit 9", ExitStatus.exited(9)), (0, "", .signalled(.kill))] {
        let process = try withNursery { _ in
          let script = "trap '' USR1; trap '\(response)' TERM; echo ready; while true; do sleep 0.01; done"
          var command = Command("sh", "-c", script, output: .pipe)
          command.grace = .seconds(grace)
          let process = try command.start()
          _ = try process.output!.read(upTo: 100)
          for _ in 0..<2000 { process.kill(.user1, wholeTree: true) }
          return process
        }
        #expect(process.status == status)
      }
      try Surroundings.expectNoDescendants()
    }

    static func theProgramsOwnChildrenAndItsSignalsAreItsOwn() throws {
      signal(SIGCHLD, SIG_IGN)
      #expect(try Command("sh", "-c", "exit 5").run().status == .exited(5))
      signal(SIGCHLD, SIG_DFL)
      try withNursery { _ in
        let process = try Command("sleep", "1000").start()
        // For the rest of the program there are no children.
        #expect(waitpid(-1, nil, 0) == -1)
        #expect(errno == ECHILD)
        process.terminate()
        #expect(try process.wait() == .signalled(.terminate))
      }
    }
  }
#endif
