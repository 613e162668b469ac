import TestSupport
import Testing

/// Tests of a whole process, in a separate program.
@Suite struct IOTests {
  private func play(_ scene: String, _ expected: String) throws {
    let outcome = try Workshop().shell("SWIFT_BACKTRACE=enable=no timeout 100 IOProbe \(scene)")
    #expect(outcome.errors == "")
    #expect(outcome.output == expected)
    #expect(outcome.status == 0)
  }

  @Test(.enabled(if: mayOpen(500), "it needs 500 descriptors"))
  func aCancelStormOverAThousandConnectionsLeavesNothing() throws {
    try play("storm", "1 workers: fine\n2 workers: fine\n")
  }

  @Test func aListenerWithoutDescriptorsWaitsAndGoesOn() throws { try play("exhaustion", "fine\n") }

  @Test func filesBeyondTheLimitAreAnErrorAndNoneIsLeftOpen() throws { try play("files", "fine\n") }

  @Test func aProcessWhoseFirstThreadHasEndedIsEnded() throws { try play("endHeadless", "fine\n") }

  @Test(arguments: ["Pipe", "Socket", "Terminal", "ForeignPipe", "ForeignTerminal"])
  func standardOutputThatIsNotReadBlocksNoWorker(kind: String) throws { try play("unread\(kind)", "fine\n") }

  @Test func typedBytesAreReadFromATerminal() throws { try play("typed", "fine\n") }

  @Test func aMissingStandardStreamThrowsAndNothingTakesItsNumber() throws {
    let outcome = try Workshop().shell("timeout 60 IOProbe missing 3>&1 <&- >&- 2>&-")
    #expect(outcome.output == "fine\n")
    #expect(outcome.status == 0)
  }

  @Test func standardInputLosesNothingToATimeout() throws {
    let command = "(printf 'on'; sleep 0.1; printf 'e\\ntwo\\nth'; sleep 0.1; printf 'ree') | timeout 60 IOProbe input"
    let outcome = try Workshop().shell(command)
    #expect(outcome.output == "one\ntwo\nthree\n")
    #expect(outcome.errors == "")
    #expect(outcome.status == 0)
  }
}
