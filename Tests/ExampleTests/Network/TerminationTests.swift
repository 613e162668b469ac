import Nursery
import TestSupport
import Testing

/// Servers that are asked to end by a signal, as whoever manages services asks them.
@Suite struct TerminationTests {
  @Test(arguments: [["memcached-server", "-p", "0"], ["ping-server", "0"]], [Signal.interrupt, .terminate])
  func aServerThatIsAskedToEndEndsWithSuccess(command: [String], signal: Signal) throws {
    let workshop = try Workshop()
    try withNursery { _ in
      let program = Command(workshop.path(of: command[0]), arguments: Array(command.dropFirst()), output: .pipe)
      let process = try program.start()
      expectEqual(try BufferedReader(process.output!).readLine()?.contains(" listens on "), true)
      process.kill(signal)
      expectEqual(try process.wait(), .exited(0))
    }
  }
}
