import CSwitch
import Testing

/// Without a second thread, locks and claims are plain stores; all rules must still hold.
///
/// The test process has many threads, so a separate program plays the scenes, each first without and then with a second
/// thread.
@Suite struct OnlyThreadTests {
  @Test(arguments: ["messages", "choices", "timeouts", "cancellations", "spawns"])
  func everythingHoldsWithoutAnotherThreadAndAfterOneHasCome(scene: String) throws {
    let outcome = try Workshop().shell("SWIFT_BACKTRACE=enable=no timeout 60 OnlyThreadProbe \(scene)")
    #expect(outcome.errors == "")
    #expect(outcome.output == "alone: fine\nwith another thread: fine\n")
    #expect(outcome.status == 0)
  }
}
