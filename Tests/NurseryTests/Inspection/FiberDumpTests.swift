import Nursery
import TestSupport
import Testing

/// What a dump says of fibers that wait, run, and are cancelled.
struct FiberDumpTests {
  /// Takes a dump when every other fiber is parked.
  private func dump(
    _ configuration: Configuration = .deterministic(seed: 1), _ body: (Nursery) throws -> Void
  ) throws -> FiberDump {
    try runFibers(configuration) {
      try withNursery("program") { nursery in
        try body(nursery)
        waitUntilAllParked()
        let dump = FiberDump.current()
        nursery.cancel()
        return dump
      }
    }
  }

  private func entry(_ name: String, _ dump: FiberDump) throws -> FiberDump.Entry {
    try #require(dump.entries.first { $0.label == "fiber \"\(name)\"" })
  }

  @Test func aParkedFiberIsListedWithEveryBranchAndItsLines() throws {
    let numbers = Channel<Int>()
    let words = Channel<String>()
    let spawned = #line + 2
    let dump = try dump { nursery in
      nursery.goAsync("chooser") {
        try choose(numbers.receiveOp().wrap { _ in }, words.sendOp("a"), sleepOp(for: .seconds(5)))
      }
    }
    let chooser = try entry("chooser", dump)
    #expect(chooser.state == .waiting)
    #expect(chooser.nurseryPath == "program")
    #expect(chooser.site.description == "NurseryTests/FiberDumpTests.swift:\(spawned)")
    #expect(
      chooser.waits.map(\.description) == [
        "receive from a Channel<Int>", "send to a Channel<String>", "a timer",
      ])
    #expect(chooser.waits.map(\.waker) == [.unknown, .unknown, .clock(.seconds(5))])
    if SourceLines.isAvailable { #expect(chooser.line == "NurseryTests/FiberDumpTests.swift:\(spawned + 1)") }
  }

  @Test func fibersThatRunAreSaidToRunAndParentsThatWaitForChildrenToo() throws {
    let dump = try dump { nursery in
      nursery.goAsync("parent") { try withNursery("inner") { $0.goAsync("child") { try Channel<Int>().receive() } } }
    }
    let root = try #require(dump.entries.first { $0.label == "the root fiber" })
    #expect(root.state == .running)
    #expect(try entry("parent", dump).state == .joining)
    #expect(try entry("child", dump).nurseryPath == "program/inner")
    #expect(dump.description.contains("fiber \"parent\""))
  }

  @Test func aThousandFibersAtOnePlaceAreOneEntry() throws {
    let channel = Channel<Int>()
    let dump = try dump { nursery in
      for _ in 0..<1000 { nursery.goAsync { _ = try channel.receive() } }
    }
    #expect(dump.count == 1001)
    let text = dump.description
    #expect(text.contains("1000 fibers spawned at NurseryTests/FiberDumpTests.swift:"))
    #expect(text.split(separator: "\n").count < 8)
  }

  @Test func theSameSeedGivesTheSameText() throws {
    func text() throws -> String {
      try dump(.deterministic(seed: 7)) { nursery in
        let channel = Channel<Int>()
        for index in 0..<5 { nursery.goAsync(index == 0 ? "first" : nil) { _ = try channel.receive() } }
        nursery.goAsync { try withTimeout(.seconds(9)) { try channel.receive() } }
        nursery.goAsync { try nursery.goAsync { try Channel<Int>().receive() }.wait() }
        try sleep(for: .milliseconds(1500))
      }.description
    }
    let first = try text()
    #expect(try text() == first)
    #expect(first.contains("has waited 1.5 s"))
  }

  @Test func deadlinesAndCancellationsAreListedWithTheirScopes() throws {
    let line = #line + 3
    let dump = try dump { nursery in
      nursery.goAsync("timed") {
        try withTimeout(.seconds(3)) { try Channel<Int>().receive() }
      }
      nursery.goAsync("stubborn") {
        try withCancelScope { scope in
          scope.cancel("no longer wanted")
          _ = try withShield { try withTimeoutOrNil(.seconds(60)) { try Channel<Int>().receive() } }
        }
      }
      try sleep(for: .seconds(1))
    }
    let timed = try entry("timed", dump)
    #expect(timed.deadline == .seconds(2))
    #expect(timed.deadlineSite?.line == line)
    #expect(try entry("stubborn", dump).cancellation == nil)
    #expect(dump.description.contains("cancelled: no longer wanted"))
  }

  @Test func aDumpCanBeTakenOnAPlainThreadWhileWorkersRun() throws {
    let text = Cell("")
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        let channel = Channel<Int>()
        nursery.goAsync("waiter") { _ = try channel.receive() }
        try blocking { text.value = FiberDump.all().description }
        nursery.cancel()
      }
    }
    #expect(text.value.contains("fiber \"waiter\""))
  }
}
