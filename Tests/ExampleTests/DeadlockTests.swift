import CSwitch
import Nursery
import Testing

/// An ordinary scheduler reports a deadlock when it is certain, and never otherwise.
///
/// Only a process without other threads can be certain, and the test process has some, so a separate program plays the
/// scenes. (Under the thread sanitizer it has the sanitizer's thread.)
@Suite(.enabled(if: cs_sanitizer() != 2 && cs_thread_count() > 0)) struct DeadlockTests {
  private static let heading = "deadlock: every fiber waits and nothing can wake one\n"

  private func play(_ scene: String) throws -> Workshop.Outcome {
    // The runtime's own report of a crash would take seconds.
    try Workshop().shell("SWIFT_BACKTRACE=enable=no timeout 60 DeadlockProbe \(scene)")
  }

  private func report(_ scene: String) throws -> String { withoutLines(try fullReport(scene)) }

  private func fullReport(_ scene: String) throws -> String {
    let outcome = try play(scene)
    #expect(outcome.status == 0)
    #expect(outcome.errors == "")
    return outcome.output
  }

  /// The report without the lines of the waits and spawns.
  private func withoutLines(_ report: String) -> String {
    report.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let starts = [" (at ", " (spawned at "].compactMap { line.firstRange(of: $0)?.lowerBound }
      return starts.min().map { line[..<$0] } ?? line
    }.joined(separator: "\n")
  }

  @Test(arguments: ["alone", "smallStack", "virtualTime", "idlePoller", "idlePool"])
  func theRootGetsTheError(scene: String) throws {
    let place = ["idlePoller": " in pipe", "idlePool": " in pool"][scene] ?? ""
    #expect(try report(scene) == Self.heading + "  the root fiber\(place): receive from a Channel<Int>\n")
  }

  @Test func fibersOfEveryWorkerAreListedWithTheirNurseries() throws {
    let lines = Set(try report("ring").split(separator: "\n").dropFirst())
    var expected: Set<Substring> = ["  the root fiber in ring: its children"]
    for number in 0..<8 { expected.insert("  fiber \"member \(number)\" in ring: receive from a Channel<Int>") }
    #expect(lines == expected)
  }

  @Test func theLinesOfTheWaitsAndSpawnsAreListed() throws {
    let output = try fullReport("ring")
    #expect(output.contains("spawned at DeadlockProbe/Scenario.swift:"))
    if SourceLines.isAvailable { #expect(output.contains("(at DeadlockProbe/Scenario.swift:")) }
  }

  @Test func everyBranchIsListedInOrder() throws {
    let output = try report("branches")
    #expect(output.contains("  the root fiber in outer/inner: its children\n"))
    #expect(output.contains("  fiber \"joiner\" in outer/inner: the end of fiber \"waiter\"\n"))
    #expect(
      output.contains(
        "  fiber \"waiter\" in outer/inner: receive from a Channel<String>, or send to a Channel<Int>, or a condition, or nothing that ever happens\n"
      ))
  }

  @Test func aPlainThreadThatWaitsAsWellIsListed() throws {
    let output = try report("blockedThread")
    #expect(
      output == Self.heading + "  the root fiber: receive from a Channel<Int>\n"
        + "  a plain thread: receive from a Channel<String>\n")
  }

  @Test func aDeadlockIsFoundOnceTheLastOtherThreadHasEnded() throws {
    #expect(try report("threadThatEnds") == Self.heading + "  the root fiber: receive from a Channel<Int>\n")
  }

  @Test func theProgramGoesOnAfterwards() throws {
    let once = Self.heading + "  the root fiber: receive from a Channel<Int>\n"
    #expect(try report("nested") == "inner " + once + "fine\n")
    #expect(try report("twice") == "first " + once + once)
  }

  @Test func shieldedWaitsEndTheProcessWithTheList() throws {
    let outcome = try play("shielded")
    #expect(outcome.status > 128)
    #expect(outcome.errors.contains("the root fiber in stuck: receive from a Channel<Int>"))
    #expect(outcome.errors.contains("withShield { try withTimeout"))
  }

  @Test func nothingIsReportedWhileAThreadMaySend() throws { #expect(try report("threadThatSends") == "7\nfine\n") }

  @Test(arguments: ["blockingCall", "abandonedCall"])
  func nothingIsReportedWhileABlockingCallRuns(scene: String) throws { #expect(try report(scene) == "7\nfine\n") }

  @Test func nothingIsReportedWhileADescriptorIsWaitedFor() throws { #expect(try report("descriptor") == "1\nfine\n") }

  @Test func nothingIsReportedWhileATimerIsSet() throws { #expect(try report("timer") == "1\nfine\n") }

  @Test(arguments: ["wait", "otherScheduler"]) func nothingIsReportedUntilTheAlarm(scene: String) throws {
    let outcome = try play(scene)
    #expect(outcome.status == 128 + 14)
    #expect(outcome.output == "")
  }
}
