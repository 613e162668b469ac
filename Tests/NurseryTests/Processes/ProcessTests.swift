import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Commands: their input and surroundings, output and status.
struct ProcessTests {
  private func shell(_ script: String) -> Command { Command("sh", "-c", script) }

  @Test func runReturnsTheOutputAndTheExitStatus() throws {
    let result = try withNursery { _ in try shell("echo out; echo err >&2; exit 3").run() }
    #expect(result.text == "out\n")
    #expect(result.errorText == "err\n")
    #expect(result.status == .exited(3))
    #expect(!result.isSuccess)
    let error = expectThrows(CommandFailedError.self) { try result.requireSuccess() }
    expectEqual(error?.description, "the command exited with code 3: err\n")
  }

  @Test func aCommandRunsOutsideAnyNurseryToo() throws {
    #expect(try Command("echo", "a b", "c").run().text == "a b c\n")
  }

  @Test func aSignalThatEndsItIsReported() throws {
    #expect(try shell("kill -USR1 $$").run().status == .signalled(.user1))
  }

  @Test func inputIsWrittenWhileOutputIsRead() throws {
    let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(try Command("cat").run(input: bytes).output == bytes)
  }

  @Test func bothFullPipesAreReadAtOnce() throws {
    let result = try shell("head -c 1048576 /dev/zero >&2; head -c 1048576 /dev/zero").run()
    #expect(result.output.count == 1 << 20)
    #expect(result.error.count == 1 << 20)
  }

  @Test func outputToAPipeIsCapturedToo() throws {
    let result = try Command(
      "sh", "-c", "head -c 1000000 /dev/zero >&2; cat; echo out", input: .pipe, output: .pipe, error: .pipe
    ).run()
    #expect(result.text == "out\n")
    #expect(result.error.count == 1_000_000)
  }

  @Test func inputThatIsNotReadDoesNotMatter() throws {
    let result = try shell("exec 0<&-; echo enough").run(input: [UInt8](repeating: 0, count: 1 << 20))
    #expect(result.text == "enough\n")
    #expect(result.isSuccess)
  }

  @Test func inputThatABackgroundProcessKeepsIsNotWaitedFor() throws {
    // By default a shell gives a background process /dev/null as its input.
    let result = try shell("exec 3<&0; sleep 1000 <&3 >/dev/null 2>&1 & echo left").run(
      input: [UInt8](repeating: 0, count: 1 << 20))
    #expect(result.text == "left\n")
  }

  @Test func moreOutputThanAllowedEndsTheCommand() throws {
    let error = expectThrows(OutputLimitError.self) { try Command("yes").run(limit: 1000) }
    #expect(error?.description.hasPrefix("yes has written more than 1000 bytes") == true)
  }

  @Test func outputOfExactlyTheLimitIsAllowed() throws {
    #expect(try shell("printf 12345").run(limit: 5).text == "12345")
  }

  @Test func theDirectoryIsTheChilds() throws {
    #expect(try Command("pwd", directory: "/proc").run().text == "/proc\n")
  }

  @Test func theEnvironmentIsExactlyWhatIsSaid() throws {
    let exact = try Command("/usr/bin/env", environment: .exactly(["A": "1", "B": "x y"])).run()
    #expect(exact.text == "A=1\nB=x y\n")
    let empty = try Command("/usr/bin/env", environment: .exactly([:])).run()
    #expect(empty.text == "")
  }

  @Test func theEnvironmentIsInheritedWithChanges() throws {
    setenv("NURSERY_TEST_REMOVED", "1", 1)
    setenv("NURSERY_TEST_KEPT", "1", 1)
    var command = Command("/usr/bin/env", environment: .inheriting(["NURSERY_TEST_REMOVED": nil]))
    command.environment["NURSERY_TEST_ADDED"] = "2"
    let lines = try command.run().text.split(separator: "\n").filter { $0.hasPrefix("NURSERY_TEST") }
    #expect(Set(lines) == ["NURSERY_TEST_ADDED=2", "NURSERY_TEST_KEPT=1"])
  }

  @Test func aProgramIsLookedForInThePathOfItsEnvironment() throws {
    expectThrows(LaunchError.self) { try Command("ls", environment: .exactly(["PATH": "/nowhere"])).run() }
    #expect(try Command("ls", "/proc/self/stat", environment: .exactly(["PATH": "/nowhere:/bin"])).run().isSuccess)
  }

  @Test func aChildHasNoDescriptorsButItsOwn() throws {
    let mine = open("/dev/null", O_RDONLY)
    defer { close(mine) }
    #expect(try Command("ls", "/proc/self/fd").run().text == "0\n1\n2\n3\n")  // the last is of the folder that ls reads
  }

  @Test func descriptorsGoToAnyNumbers() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { close(ends[0]) }
    var command = shell("echo five >&5; echo seven >&7")
    command.descriptors = [5: ends[1], 7: ends[1]]
    #expect(try command.run().isSuccess)
    close(ends[1])
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = read(ends[0], &bytes, 100)
    #expect(String(decoding: bytes[..<count], as: UTF8.self) == "five\nseven\n")
  }

  @Test func errorsMayGoWhereTheOutputGoes() throws {
    #expect(try Command("sh", "-c", "echo a; echo b >&2; echo c", error: .output).run().text == "a\nb\nc\n")
  }

  @Test func outputMayGoToAFileAndBeAppended() throws {
    let path = "/tmp/nursery-\(getpid())-redirection"
    defer { unlink(path) }
    #expect(try Command("echo", "first", output: .file(path)).run().output == [])
    try Command("echo", "second", output: .file(path, append: true)).run().requireSuccess()
    #expect(try Command("cat", input: .file(path)).run().text == "first\nsecond\n")
    try Command("echo", "third", output: .file(path)).run().requireSuccess()
    #expect(try Command("cat", path).run().text == "third\n")
  }

  @Test func aFifoWithoutAnotherEndDelaysOnlyItsCommand() throws {
    let path = "/tmp/nursery-\(getpid())-fifo"
    #expect(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { nursery in
        let reader = nursery.goAsync { try Command("cat", input: .file(path)).run().text }
        try Command("echo", "hello", output: .file(path)).run().requireSuccess()
        expectEqual(try reader.wait(), "hello\n")
        expectThrows(TimeoutError.self) {
          try withTimeout(.milliseconds(10)) { try Command("cat", input: .file(path)).run() }
        }
      }
    }
  }

  @Test func aChildHasSignalsAtTheirDefaults() throws {
    let status = try Command("cat", "/proc/self/status").run().text
    let lines = status.split(separator: "\n").filter { $0.hasPrefix("SigBlk") || $0.hasPrefix("SigIgn") }
    #expect(lines == ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"])
  }

  @Test func aStartedProcessIsTalkedToThroughItsPipes() throws {
    try withNursery { _ in
      let process = try Command("cat", input: .pipe, output: .pipe).start()
      for text in ["one", "two"] {
        try process.input!.writeAll(text)
        let echo = try process.output!.read(upTo: 100)
        #expect(String(decoding: echo, as: UTF8.self) == text)
      }
      #expect(process.status == nil)
      process.input!.close()
      #expect(try process.output!.read(upTo: 100) == [])
      #expect(try process.wait() == .exited(0))
      #expect(process.status == .exited(0))
    }
  }

  @Test func theEndOfAProcessIsAnOperation() throws {
    try withNursery { _ in
      let slow = try Command("sleep", "100").start()
      let quick = try shell("exit 7").start()
      let first = try choose(slow.waitOp().wrap { ("slow", $0) }, quick.waitOp().wrap { ("quick", $0) })
      #expect(first.0 == "quick")
      #expect(first.1 == .exited(7))
      expectThrows(TimeoutError.self) { try slow.waitOp().orTimeout(after: .milliseconds(1)).perform() }
      slow.kill(.kill)
      #expect(try slow.wait() == .signalled(.kill))
      slow.kill(.kill)
    }
  }

  @Test(.enabled(if: mayOpen(200), "it needs 200 descriptors")) func twoThreadsLaunchAtTheSameTime() throws {
    try runFibers(Configuration(parallelism: 2)) {
      let texts = try (0..<40).concurrentMap(limit: 8) { try Command("echo", "\($0)").run().text }
      #expect(texts == (0..<40).map { "\($0)\n" })
    }
  }

  @Test func everythingElseRunsOnMeanwhile() throws {
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { nursery in
        let process = try Command("cat", input: .pipe).start()
        nursery.goAsync { process.input!.close() }
        #expect(try process.wait().isSuccess)
      }
    }
  }
}
