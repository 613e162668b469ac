import CSwitch
import Testing

/// `nursery-console`, run as a user would.
struct ConsoleCommandTests {
  private let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// Runs commands while a probe runs that has a console at "socket"; the output of the probe comes last.
  private func attach(_ scenario: String, _ commands: String) throws -> Workshop.Outcome {
    try workshop.shell(
      """
      mkfifo ready input
      SWIFT_BACKTRACE=enable=no timeout 60 ConsoleProbe socket \(scenario) < input > probe &
      probe=$!
      exec 9> input
      until grep -q ready probe; do sleep 0.01; done
      \(commands)
      exec 9>&-
      wait
      cat probe
      """)
  }

  @Test func commandsAreAnsweredInPlainLines() throws {
    let outcome = try attach(
      "",
      """
      nursery-console socket tree
      nursery-console socket why sender
      nursery-console socket cancel orders
      echo stats | nursery-console socket | grep fibersAlive
      nursery-console socket nonsense; echo $?
      """)
    #expect(outcome.output.contains("nursery \"shop/orders\" opened at ConsoleProbe/ConsoleProbe.swift:"))
    #expect(outcome.output.contains("fiber \"sender\" spawned at ConsoleProbe/ConsoleProbe.swift:"))
    #expect(outcome.output.contains("cancelled nursery \"shop/orders\""))
    #expect(outcome.output.contains("fibersAlive         102\n"))
    #expect(outcome.output.hasSuffix("1\nready\nfine\n"))
    #expect(outcome.errors == "nursery-console: there is no command \"nonsense\"; see help\n")
  }

  @Test func topPrintsTablesAndRates() throws {
    // Rates need two pictures, and a slow program takes few.
    let outcome = try attach("", "nursery-console --every 0.2 --count 100 socket top | sed '/ switches\\/s/q'")
    #expect(outcome.output.contains("104 fibers   1 timers\n"))
    #expect(outcome.output.contains(" switches/s"))
    #expect(outcome.output.contains("    100       0       0     100"))
    #expect(outcome.output.contains("       2         2         2         0         1         0  Channel<Int>\n"))
  }

  @Test func jsonIsPassedOnAsItCame() throws {
    let outcome = try attach("", "printf 'stats\\nnonsense\\n' | nursery-console --json socket; echo $?")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines[0].hasPrefix("{\"version\":1,\"text\":\"workers"))
    #expect(lines[1].hasPrefix("{\"version\":1,\"error\":"))
    #expect(lines[2] == "1")
  }

  @Test func whereEveryWorkerComputesTheConsoleEndsIt() throws {
    let outcome = try attach("held", "nursery-console socket dump; nursery-console socket cancel mill")
    #expect(outcome.output.contains("run on 2 workers"))
    #expect(outcome.output.hasSuffix("ready\nfine\n"))
  }

  /// The sanitizer has a thread of its own, of which the detector does not know.
  @Test(.enabled(if: cs_sanitizer() != 2 && cs_thread_count() > 0))
  func anAttachedConsoleDoesNotKeepADeadlockFromBeingReported() throws {
    let outcome = try attach("stuck", "nursery-console socket < input > console 2>&1 9>&- & wait $probe")
    #expect(outcome.output.contains("deadlock: every fiber waits and nothing can wake one\n"))
  }

  @Test func wrongUsesAreExplained() throws {
    let outcome = try workshop.shell(
      "nursery-console; echo $?; nursery-console --every x s; echo $?; nursery-console none stats; echo $?")
    #expect(outcome.output == "2\n2\n1\n")
    #expect(outcome.errors.contains("usage: nursery-console [--json]"))
    #expect(outcome.errors.contains("connect to none"))
  }
}
