import CSwitch
import Testing

/// Without a second thread locks are marked, not taken, and claims are moved, not exchanged; what holds otherwise holds
/// then.
///
/// A test's process has many threads: a program of its own plays the scenes, all of which end with a second thread.
@Suite struct OnlyThreadTests {
  @Test(arguments: ["messages", "choices", "timeouts", "cancellations", "spawns"])
  func everythingHoldsWithoutAnotherThreadAndAfterOneHasCome(scene: String) throws {
    let outcome = try Workshop().shell("SWIFT_BACKTRACE=enable=no timeout 60 OnlyThreadProbe \(scene)")
    #expect(outcome.errors == "")
    #expect(outcome.output == "alone: fine\nwith another thread: fine\n")
    #expect(outcome.status == 0)
  }
}
