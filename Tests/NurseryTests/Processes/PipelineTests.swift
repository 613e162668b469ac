import Nursery
import Testing

/// Commands that read other commands' output.
struct PipelineTests {
  @Test func eachCommandReadsWhatTheOneBeforeWrites() throws {
    let result = try (Command("cat") | Command("sort", "-r") | Command("head", "-n", "2")).run(input: "a\nc\nb\n")
    #expect(result.text == "c\nb\n")
    #expect(result.statuses == [.exited(0), .exited(0), .exited(0)])
    #expect(result.isSuccess)
  }

  @Test func aReaderThatHasEnoughEndsTheWriter() throws {
    let result = try (Command("yes") | Command("head", "-n", "1")).run()
    #expect(result.text == "y\n")
    #expect(result.statuses == [.signalled(.brokenPipe), .exited(0)])
    #expect(result.isSuccess)
  }

  @Test func everyStatusIsReportedAndAnyFailureIsOne() throws {
    let result = try (Command("sh", "-c", "echo oops >&2; exit 2") | Command("cat")).run()
    #expect(result.statuses == [.exited(2), .exited(0)])
    #expect(result.status == .exited(0))
    #expect(!result.isSuccess)
    #expect(result.errorText == "oops\n")
    expectThrows(CommandFailedError.self) { try result.requireSuccess() }
  }

  @Test func muchPassesThrough() throws {
    let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    #expect(try (Command("cat") | Command("cat") | Command("cat")).run(input: bytes).output == bytes)
  }

  @Test func aCommandThatCannotBeLaunchedEndsThoseBeforeIt() throws {
    try withNursery { nursery in
      let error = expectThrows(LaunchError.self) {
        try (Command("yes") | Command("cat") | Command("no-such-program") | Command("cat")).start()
      }
      expectEqual(error?.program, "no-such-program")
      #expect(!nursery.isCancelled)
    }
  }

  @Test func aPipelineCanBeStartedAndTalkedTo() throws {
    try withNursery { _ in
      let pipeline = Command("cat", input: .pipe) | Command("tr", "a-z", "A-Z", output: .pipe)
      let processes = try pipeline.start()
      try processes[0].input!.writeAll("hello")
      processes[0].input!.close()
      #expect(try processes[1].output!.read(upTo: 100) == Array("HELLO".utf8))
      #expect(try processes.map { try $0.wait() } == [.exited(0), .exited(0)])
    }
  }

  @Test func itsDescriptionIsWhatOneWouldType() {
    #expect((Command("a", "b") | Command("c")).description == "a b | c")
  }
}
