import Foundation
import Nursery
import TestSupport
import Testing

// Programs in which a plain thread and a task are stuck. Their elements have types of their own, so that dumps of the
// whole process can be told apart.

private struct Letter {}
private struct Packet: Sendable {}

private let lineOfTask = #line + 1
@inline(never) private func fetch<Element: Sendable>(_ channel: Channel<Element>) async throws -> Element {
  try await channel.receive()
}

private struct Client<Element: Sendable> {
  let channel: Channel<Element>

  @inline(never) func load<Value>(or fallback: Value) async throws -> (Element, Value) {
    (try await fetch(channel), fallback)
  }

  @inline(never) func race() async throws -> Element? {
    try await choose(channel.receiveOp().wrap { $0 }, Condition().waitOp().wrap { nil })
  }
}

private let lineOfThread = #line + 1
@inline(never) private func readLetter<Element>(_ channel: Channel<Element>) throws -> Element? {
  try channel.receive()
}
@inline(never) private func readMail<Element>(_ channel: Channel<Element>) throws -> [Element?] {
  [try readLetter(channel)]
}

/// What a dump says of performers that are no fibers.
struct OutsideStackTests {
  /// In optimised code the functions may have become others, and lines are missing.
  private var hasLines: Bool {
    #if DEBUG
      SourceLines.isAvailable
    #else
      false
    #endif
  }

  private func waiting(for text: String, _ dump: FiberDump) -> [FiberDump.Entry] {
    dump.entries.filter { $0.waits.first?.description == text }
  }

  /// A dump in which so many threads and tasks wait for this; the tasks must not need the caller's thread.
  private func dump(when count: Int, waitFor text: String) -> FiberDump {
    var dump = FiberDump.all()
    expectSoon {
      dump = .all()
      return waiting(for: text, dump).count == count
    }
    return dump
  }

  private func place(_ line: Int) -> String { "NurseryTests/OutsideStackTests.swift:\(line)" }

  @Test func aStuckTaskIsListedWithTheAsyncFunctionsThatItIsIn() async throws {
    let channel = Channel<Letter>()
    let task = Task(executorPreference: ThreadExecutor.shared) { _ = try await Client(channel: channel).load(or: "") }
    let dump = dump(when: 1, waitFor: "receive from a Channel<Letter>")
    let entry = try #require(waiting(for: "receive from a Channel<Letter>", dump).first)
    #expect(entry.label == "a task")
    #expect(entry.state == .waiting)
    #expect(entry.site.line == 0)
    #expect(entry.waited != nil)
    if hasLines {
      #expect(entry.line == place(lineOfTask + 1))
      #expect(entry.stack.prefix(2).map(\.function) == ["fetch()", "Client.load()"])
      #expect(entry.stack.allSatisfy { $0.module == "NurseryTests" && $0.line != nil })
      let text = dump.description
      #expect(text.contains("\na task has waited "))
      #expect(text.contains(" at \(place(lineOfTask + 1)): receive from a Channel<Letter>\n  in fetch() at "))
      #expect(text.contains("\n  in Client.load() at \(place(lineOfTask + 8))\n"))
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(waiting(for: "receive from a Channel<Letter>", .all()).isEmpty)
  }

  @Test func tasksAtOnePlaceAreOneEntryWithEveryBranchOfTheirChoice() async throws {
    struct Stamp: Sendable {}
    let channel = Channel<Stamp>()
    let tasks = (0..<5).map { _ in
      Task(executorPreference: ThreadExecutor.shared) { try await Client(channel: channel).race() }
    }
    let dump = dump(when: 5, waitFor: "receive from a Channel<Stamp>")
    for entry in waiting(for: "receive from a Channel<Stamp>", dump) {
      #expect(entry.waits.map(\.description) == ["receive from a Channel<Stamp>", "a condition"])
      if hasLines { #expect(entry.stack.first?.function == "Client.race()") }
    }
    if hasLines { #expect(dump.description.contains("5 tasks have waited up to ")) }
    for _ in tasks { try await channel.send(Stamp()) }
    for task in tasks { #expect(try await task.value != nil) }
  }

  @Test func aStuckThreadIsListedWithItsCalls() async throws {
    struct Card: Sendable {}
    let channel = Channel<Card>()
    let thread = PlainThread { try readMail(channel).count }
    let dump = dump(when: 1, waitFor: "receive from a Channel<Card>")
    let entry = try #require(waiting(for: "receive from a Channel<Card>", dump).first)
    #expect(entry.label == "a plain thread")
    if hasLines {
      #expect(entry.line == place(lineOfThread + 1))
      #expect(entry.stack.prefix(2).map(\.function) == ["readLetter()", "readMail()"])
      #expect(dump.description.contains("\n  in readMail() at \(place(lineOfThread + 4))\n"))
    }
    try await channel.send(Card())
    #expect(try thread.join() == 1)
  }

  @Test func theJSONHasTheStacks() async throws {
    struct Bill: Sendable {}
    let channel = Channel<Bill>()
    let task = Task(executorPreference: ThreadExecutor.shared) { _ = try await Client(channel: channel).load(or: 0) }
    let json = dump(when: 1, waitFor: "receive from a Channel<Bill>").json
    task.cancel()
    let object = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let fibers = try #require(object["fibers"] as? [[String: Any]])
    let waiter = try #require(
      fibers.first { (($0["waits"] as? [[String: Any]])?.first?["for"] as? String) == "receive from a Channel<Bill>" })
    #expect(waiter["kind"] as? String == "task")
    let stack = try #require(waiter["stack"] as? [[String: Any]])
    if hasLines {
      #expect(stack.prefix(2).map { $0["function"] as? String } == ["fetch()", "Client.load()"])
      #expect(stack.first?["line"] as? String == place(lineOfTask + 1))
      #expect(stack.first?["module"] as? String == "NurseryTests")
    } else {
      #expect(stack.isEmpty || SourceLines.isAvailable)
    }
  }

  @Test func stacksAreRightWhileThreadsAndTasksGoOn() async throws {
    let channel = Channel<Packet>()
    let hasEnded = Guarded(false)
    let taker = PlainThread {
      var seen: [FiberDump.Entry] = []
      while !hasEnded.withLock({ $0 }) {
        seen += waiting(for: "receive from a Channel<Packet>", FiberDump.all())
      }
      return seen
    }
    let rounds = 300
    let tasks = (0..<4).map { _ in
      Task(executorPreference: ThreadExecutor.shared) {
        for _ in 0..<rounds { _ = try await Client(channel: channel).load(or: 0) }
      }
    }
    let threads = (0..<2).map { _ in PlainThread { for _ in 0..<rounds { _ = try readMail(channel) } } }
    let sender = PlainThread {
      for number in 0..<6 * rounds {
        if number % 32 == 0 { expectSoon { !waiting(for: "receive from a Channel<Packet>", .all()).isEmpty } }
        try channel.send(Packet())
      }
    }
    for task in tasks { try await task.value }
    for thread in threads { try thread.join() }
    try sender.join()
    hasEnded.withLock { $0 = true }
    let seen = try taker.join()
    for entry in seen {
      #expect(entry.waits.count == 1)
      // A performer that goes on just then has no stack; a wrong one it never has.
      let functions = entry.stack.prefix(2).map(\.function)
      let own = entry.label == "a task" ? ["fetch()", "Client.load()"] : ["readLetter()", "readMail()"]
      if hasLines { #expect(functions == own || functions.isEmpty, "\(entry.label)") }
    }
  }

  @Test(arguments: [
    ("Web.fetch(from: Swift.String) throws -> [Swift.UInt8]", "fetch()"),
    ("(1) await resume partial function for Web.fetch(from: Swift.String) async throws -> ()", "fetch()"),
    (
      "closure #1 @Sendable (Int) async throws -> (a: B, c: D) in closure #2 () -> () in Web.Client.load<A>(A) -> A",
      "closure #1 in closure #2 in Client.load()"
    ),
    (
      "generic specialization <Int, (A) -> B> of static Web.(wait in _0123456789ABCDEF0123456789ABCDEF)(A) -> ()",
      "wait()"
    ),
    ("Web.Client.size.getter : Swift.Int", "Client.size.getter"),
    ("(2) suspend resume partial function for helper #1 <A>(A) async -> A in Web.main() -> ()", "helper #1 in main()"),
  ])
  func aFunctionsNameIsShort(demangled: String, short: String) {
    #expect(FunctionName.short(demangled, module: "Web") == short)
  }
}
