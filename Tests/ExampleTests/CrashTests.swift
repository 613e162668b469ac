import CSwitch
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reports of a crash: Nursery's, and Swift's own if the toolchain has one.
@Suite(.disabled(if: cs_sanitizer() != 0, "sanitizers report the fault themselves")) struct CrashTests {
  private func crash(_ manner: String, backtrace: Bool) throws -> Workshop.Outcome {
    try Workshop().shell(
      "SWIFT_BACKTRACE=enable=\(backtrace ? "yes" : "no"),color=no,output-to=stderr timeout 100 CrashProbe \(manner)"
    )
  }

  /// Swift's own report of such a crash.
  ///
  /// Swift stops a thread by a signal that the thread does not block according to `SigBlk` in its status file. In the
  /// handler all signals are blocked. If Swift reads the file again after the thread has entered the handler and before
  /// the thread has confirmed that, it reports "failed to suspend". A thread that always blocked the signals would fail
  /// in every report, so three reports in a row decide.
  private func report(of manner: String) throws -> String {
    var report = ""
    for _ in 0..<3 {
      report = try crash(manner, backtrace: true).errors
      if !report.contains("failed to suspend") { break }
    }
    return report
  }

  private static let place = "fiber \"request 7\" in nursery \"server\", spawned at CrashProbe/CrashProbe.swift:"

  @Test(arguments: ["trap", "abort"]) func aCrashNamesTheFiberItsNurseryAndItsSpawnLine(manner: String) throws {
    let outcome = try crash(manner, backtrace: false)
    let signal = manner == "abort" ? SIGABRT : trapSignal
    #expect(outcome.status == 128 + signal)
    let name = manner == "abort" ? "SIGABRT" : trapSignal == SIGILL ? "SIGILL" : "SIGTRAP"
    #expect(outcome.errors.contains("nursery: crash (\(name)) in \(Self.place)"))
  }

  @Test func anErrorThatEndsTheProgramSaysWhichWayItHasCome() throws {
    let errors = try crash("error", backtrace: false).errors
    #expect(errors.contains("Error raised at top level: CrashProbe."))
    let way = """
      nursery: the error that ended the program, of type Unreachable, came
        through fiber "request 7" in server, spawned at CrashProbe/CrashProbe.swift:
      """
    #expect(errors.contains(way))
    #expect(errors.contains("\n  through nursery server, opened at CrashProbe/CrashProbe.swift:"))
  }

  @Test func anOverflowOfACoroutineNamesTheFiberThatResumedIt() throws {
    let outcome = try crash("coroutine", backtrace: false)
    #expect(outcome.status == 128 + SIGSEGV)
    #expect(outcome.errors.hasPrefix("nursery: stack overflow in a coroutine that was resumed by \(Self.place)"))
    #expect(outcome.errors.contains("Coroutine(stackSize: 1048576) { ... }\n"))
  }

  @Test func swiftsReportShowsEveryWorkerAndNamesTheThreadAfterTheFiber() throws {
    let report = try report(of: "trap")
    guard isReport(report) else { return }
    #expect(report.contains("nursery: crash ("))
    #expect(report.contains(" \"request 7\" crashed:"))
    #expect(report.contains("reachAnIndexThatIsNotThere()"))
    #expect(report.contains("runLoop()"))
    #expect(!report.contains("failed to suspend"))
  }

  @Test func swiftsReportShowsTheFramesOfAnOverflow() throws {
    let report = try report(of: "overflow")
    guard isReport(report) else { return }
    #expect(report.hasPrefix("nursery: stack overflow in \(Self.place)"))
    #expect(report.contains(" \"request 7\" crashed:"))
    #expect(report.contains("descend(_:)"))
    #expect(!report.contains("failed to suspend"))
  }

  /// Whether the toolchain's backtracer has run; it is a program that not every installation has.
  private func isReport(_ text: String) -> Bool { text.contains("*** Program crashed") }

  #if arch(x86_64)
    private let trapSignal = SIGILL
  #else
    private let trapSignal = SIGTRAP
  #endif
}
