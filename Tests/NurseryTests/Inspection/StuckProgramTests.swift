import Nursery
import TestSupport
import Testing

/// The famous programs that hang, and what the tools say of each.
struct StuckProgramTests {
  /// What the tools say while a program hangs.
  private struct Answer {
    let dump: FiberDump
    var text: String { dump.description }
    var suspects: [String] { dump.suspects.map(\.description) }

    func explanation(of name: String) -> String {
      dump.entries.first { $0.label == "fiber \"\(name)\"" }.map { dump.explain($0).description } ?? ""
    }
  }

  /// Asks when nothing moves any more, then cancels the program.
  private func ask(_ program: (Nursery) throws -> Void) throws -> Answer {
    try runFibers(.deterministic(seed: 3)) {
      try withNursery("stuck") { nursery in
        try program(nursery)
        waitUntilAllParked()
        let answer = Answer(dump: .current())
        nursery.cancel()
        return answer
      }
    }
  }

  /// In optimised code the frame of the wait may be another's, into which the closure was inlined.
  private var hasLinesOfWaits: Bool {
    #if DEBUG
      SourceLines.isAvailable
    #else
      false
    #endif
  }

  /// Where in this file.
  private func place(_ line: Int) -> String { "NurseryTests/StuckProgramTests.swift:\(line)" }

  @Test func twoLocksInOppositeOrderAreACycleAndSuspects() throws {
    let left = FiberMutex(0)
    let right = FiberMutex(0)
    let line = #line + 2
    let answer = try ask { nursery in
      nursery.goAsync("ada") {
        try left.withLock { _ in
          Fiber.yield()
          try right.withLock { _ in }
        }
      }
      nursery.goAsync("bob") {
        try right.withLock { _ in
          Fiber.yield()
          try left.withLock { _ in }
        }
      }
    }
    let wait = hasLinesOfWaits ? " at \(place(line + 3)): " : ""
    let ada = "fiber \"ada\" spawned at \(place(line)) has waited 0 ms\(wait)"
    let holder = "a FiberMutex, held by fiber \"bob\" since \(place(line + 7))"
    #expect(answer.text.contains(ada) && answer.text.contains(holder))
    let explanation = answer.explanation(of: "ada")
    #expect(explanation.hasPrefix(ada) && explanation.contains(holder))
    #expect(explanation.hasSuffix("fiber \"ada\" again: a cycle, none of them goes on before another"))
    #expect(answer.suspects.count == 1)
    #expect(answer.suspects.first?.contains("fiber \"bob\"") == true)
  }

  @Test func aChannelThatNobodyClosesIsWaitedForByItsReceiver() throws {
    let channel = Channel<Int>(.bounded(8))
    let answer = try ask { nursery in
      nursery.goAsync("producer") { for number in 0..<3 { try channel.send(number) } }
      nursery.goAsync("consumer") { for _ in channel {} }
    }
    #expect(answer.text.contains("fiber \"consumer\" spawned at \(place(#line - 2))"))
    if hasLinesOfWaits {
      #expect(answer.text.contains(" at \(place(#line - 4)): receive from a Channel<Int>"))
    }
    #expect(!answer.text.contains("producer"))
    // It cannot be known that no sender is left.
    #expect(answer.suspects.isEmpty)
  }

  @Test func aChildThatAwaitsItsOwnNurseryIsACycleWithItsParent() throws {
    let answer = try ask { nursery in
      let handle = Promise<Fiber<Void>>()
      let parent = nursery.goAsync("parent") {
        try withNursery("family") { family in
          _ = family.goAsync("child") { try handle.wait().wait() }
        }
      }
      handle.fulfill(parent)
    }
    #expect(answer.suspects.count == 1)
    let explanation = answer.explanation(of: "child")
    #expect(explanation.contains("the end of fiber \"parent\""))
    #expect(explanation.contains("its children (1)"))
    #expect(explanation.contains("a cycle"))
  }

  @Test func aForgottenCloseLeavesTheReaderOfAPipeWaiting() throws {
    let answer = try ask { nursery in
      let multicast = Multicast<Int>()
      let subscription = multicast.subscribe(.holdingBack(1))
      nursery.goAsync("subscriber") { while true { _ = try subscription.next() } }
    }
    #expect(answer.explanation(of: "subscriber").contains("the next element of a Multicast<Int>"))
  }

  @Test func aChildOfAFullNurseryThatIsAwaitedByTheRunningOneIsACycle() throws {
    let answer = try ask { nursery in
      nursery.goAsync("opener") {
        try withNursery("full", limit: 1) { full in
          full.goAsync("first") { try full.goAsync("second") {}.wait() }
        }
      }
    }
    #expect(answer.text.contains("fiber \"second\""))
    #expect(answer.text.contains("waits for its turn (limit 1)"))
    #expect(answer.suspects.count == 1)
    #expect(answer.explanation(of: "first").contains("a cycle"))
  }

  @Test func fibersThatCanStillBeWokenAreNotSuspected() throws {
    let lock = FiberMutex(0)
    let channel = Channel<Int>()
    let answer = try ask { nursery in
      nursery.goAsync("holder") { try lock.withLock { _ in _ = try channel.receive() } }
      for _ in 0..<10 { nursery.goAsync { try lock.withLock { _ in } } }
      nursery.goAsync { try nursery.goAsync { try sleep(for: .seconds(1000)) }.wait() }
      nursery.goAsync { try withTimeout(.seconds(1000)) { try lock.withLock { _ in } } }
    }
    #expect(answer.suspects.isEmpty)
    #expect(answer.text.contains("10 fibers spawned at"))
    #expect(answer.text.contains("held by fiber \"holder\" since"))
  }
}
