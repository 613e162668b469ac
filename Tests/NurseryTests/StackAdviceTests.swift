import Nursery
import Testing

/// The advice names the line, the measured use, and what to write instead.
struct StackAdviceTests {
  private func statistics(stackSize: Int, _ uses: [(line: UInt, fibers: Int, deepest: Int)])
    -> Scheduler.StackStatistics
  {
    var statistics = Scheduler.StackStatistics()
    statistics.stackSize = stackSize
    statistics.usableSize = stackSize - 5120
    statistics.uses = uses.map { use in
      Scheduler.StackUse(
        site: SourceSite(file: "App/Server.swift", line: use.line), fibers: use.fibers, deepest: use.deepest)
    }
    return statistics
  }

  @Test func aSmallerSizeIsAdvisedWhereItWouldDo() {
    let statistics = statistics(stackSize: 256 << 10, [(41, 1000, 9000), (7, 234, 500)])
    #expect(
      statistics.advice == [
        "Configuration(stackSize: 65536) would do in place of 262144: the deepest use by 1234 fibers was 9 KiB, by one spawned at App/Server.swift:41"
      ])
  }

  @Test func aLargerSizeIsAdvisedForEachSiteThatNeedsIt() {
    let statistics = statistics(stackSize: 64 << 10, [(41, 10, 57_000), (42, 10, 48_000), (7, 1, 500)])
    #expect(
      statistics.advice == [
        "a fiber spawned at App/Server.swift:41 has used 94 % of its stack, 56 KiB of 59 KiB: raise it with Configuration(stackSize: 131072)",
        "a fiber spawned at App/Server.swift:42 has used 79 % of its stack, 47 KiB of 59 KiB: raise it with Configuration(stackSize: 131072)",
      ])
  }

  @Test func aSizeThatSuitsIsLeftAlone() {
    #expect(statistics(stackSize: 64 << 10, [(41, 10, 20_000)]).advice == [])
    #expect(statistics(stackSize: 64 << 10, []).advice == [])
    #expect(statistics(stackSize: 32 << 10, [(41, 10, 1)]).advice == [])
  }

  @Test func theDescriptionHasEverything() {
    var statistics = statistics(stackSize: 256 << 10, [(41, 3, 9000)])
    (statistics.mapped, statistics.inUse, statistics.idle) = (100, 20, 64)
    let lines = statistics.description.split(separator: "\n")
    #expect(lines.first == "100 stacks of 262144 bytes: 20 in use, 64 idle, 16 returned")
    #expect(lines.dropFirst().first == "App/Server.swift:41: 9000 bytes at most, 3 fibers")
    #expect(lines.last?.contains("would do") == true)
  }
}
