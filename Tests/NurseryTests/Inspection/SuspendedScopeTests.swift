import Foundation
import TestSupport
import Testing

@testable import Nursery

/// What dumps and traces show of the scopes that a coroutine has open while it is suspended.
struct SuspendedScopeTests {
  /// Where the timeout is opened.
  private static let line = #line + 5

  /// A generator that yields inside a timeout and a nursery.
  private func numbers() -> Generator<Int> {
    Generator<Int> { yielder in
      try withTimeout(.seconds(60)) {
        try withNursery("inner") { inner in
          inner.goAsync("ticker") { try sleep(for: .seconds(60)) }
          for number in 0..<3 { try yielder.yield(number) }
          inner.cancel()
        }
      }
    }
  }

  private func configuration(records: Bool = true) -> Configuration {
    var configuration = Configuration.deterministic(seed: 1)
    if records { configuration.recorder = .on() }
    return configuration
  }

  // MARK: Traces

  /// The trace of a consumer that waits between the elements.
  private func trace(whileSuspended take: Bool = false) throws -> Trace {
    let trace = Cell<Trace?>(nil)
    let scheduler = try runFibers(configuration()) {
      try withNursery("consumers") { nursery in
        nursery.goAsync("consumer") {
          for _ in numbers() {
            try sleep(for: .milliseconds(10))
            if take { trace.value = Trace.current() }
          }
        }
      }
      return Scheduler.current!
    }
    return try #require(trace.value ?? scheduler.trace())
  }

  @Test func aScopeIsOpenAndSuspendedWhileItsGeneratorIs() throws {
    let model = TraceModel(try trace().recording)
    let nursery = try #require(model.scopes.first { $0.path == "consumers/inner" })
    let timeout = model.scopes[nursery.parent]
    #expect(timeout.kind == .scope)
    #expect(timeout.site.line == Self.line)
    for scope in [timeout, nursery] {
      // Three elements, after each of which the consumer waits for 10 ms; an event takes a nanosecond.
      #expect(scope.suspensions.map { ($0.count + 500_000) / 1_000_000 } == [10, 10, 10])
      let opened = try #require(scope.opened)
      let closed = try #require(scope.closed)
      #expect(scope.suspensions.allSatisfy { $0.lowerBound > opened && $0.upperBound < closed })
    }
    #expect(model.scopes[timeout.parent].path == "consumers")
    #expect(model.scopes.filter { !$0.suspensions.isEmpty }.count == 2)
    #expect(model.scopes.filter { $0.closed == nil }.isEmpty)
  }

  @Test func aTraceThatIsTakenMeanwhileShowsTheScopesAsSuspendedToItsEnd() throws {
    let model = TraceModel(try trace(whileSuspended: true).recording)
    let nursery = try #require(model.scopes.first { $0.path == "consumers/inner" })
    #expect(nursery.closed == nil)
    #expect(nursery.suspensions.count == 3)
    #expect(nursery.suspensions.last?.upperBound == model.end)
    // The child of the suspended nursery lives, and is listed.
    #expect(model.recording.fibers.values.contains { $0.name == "ticker" })
    #expect(model.recording.scopes.filter(\.isSuspended).count == 2)
  }

  @Test func whatWasSuspendedWhenTheRecordingBeganIsShownAsSuspended() throws {
    let model = try runFibers(configuration(records: false)) {
      try withNursery("consumers") { _ in
        let iterator = Cell(numbers().makeIterator())
        _ = iterator.value.next()
        let scheduler = try #require(Scheduler.current)
        scheduler.startRecording()
        try sleep(for: .milliseconds(10))
        let early = TraceModel(try #require(Trace.current()).recording)
        _ = iterator.value.next()
        try sleep(for: .milliseconds(10))
        let late = TraceModel(try #require(Trace.current()).recording)
        while iterator.value.next() != nil {}
        return [early, late]
      }
    }
    let early = try #require(model[0].scopes.first { $0.path == "consumers/inner" })
    #expect(early.opened == nil)
    #expect(early.suspensions == [model[0].begin..<model[0].end])
    let late = try #require(model[1].scopes.first { $0.path == "consumers/inner" })
    #expect(late.suspensions.count == 2)
    #expect(late.suspensions.last?.upperBound == model[1].end)
  }

  @Test func aGeneratorThatIsResumedElsewhereKeepsItsPlaceAndItsSuspensions() throws {
    let scheduler = try runFibers(configuration()) {
      try withNursery("all") { nursery in
        let iterator = Cell(
          Generator<Int> { yielder in
            try withCancelScope { _ in for number in 0..<3 { try yielder.yield(number) } }
          }.makeIterator())
        for name in ["first", "second", "third", "last"] {
          try withNursery(name) { _ in
            _ = iterator.value.next()
            try sleep(for: .milliseconds(10))
          }
        }
      }
      return Scheduler.current!
    }
    let model = TraceModel(try #require(scheduler.trace()).recording)
    let suspended = model.scopes.filter { !$0.suspensions.isEmpty }
    #expect(suspended.count == 1)
    #expect(suspended.first?.suspensions.count == 3)
    #expect(suspended.first.map { model.scopes[$0.parent].path } == "all/first")
    #expect(suspended.first?.closed != nil)
  }

  @Test func theJSONHasTheSuspensions() throws {
    let trace = try trace()
    let object = try #require(JSONSerialization.jsonObject(with: Data(trace.json.utf8)) as? [String: Any])
    let events = try #require(object["traceEvents"] as? [[String: Any]])
    let suspensions = events.filter { $0["cat"] as? String == "suspension" }
    #expect(suspensions.filter { $0["ph"] as? String == "b" }.count == 6)
    #expect(suspensions.filter { $0["ph"] as? String == "e" }.count == 6)
    let names = Set(suspensions.compactMap { $0["name"] as? String })
    #expect(names.contains { $0.hasPrefix("nursery \"consumers/inner\"") && $0.hasSuffix(" is suspended") })
    let page = try #require(
      JSONSerialization.jsonObject(with: Data(TracePage.data(TraceModel(trace.recording)).utf8)) as? [String: Any])
    let scopes = try #require(page["scopes"] as? [[String: Any]])
    let counts = try scopes.map { try #require($0["s"] as? [Any]).count }
    #expect(counts.filter { $0 > 0 } == [3, 3])
  }

  // MARK: Dumps

  @Test func aDumpNamesTheScopesOfASuspendedCoroutineAndItsFiber() throws {
    let dump = try runFibers(configuration(records: false)) {
      try withNursery("consumers") { nursery in
        nursery.goAsync("consumer") {
          for _ in numbers() { _ = try Channel<Int>().receive() }
        }
        waitUntilAllParked()
        let dump = FiberDump.current()
        nursery.cancel()
        return dump
      }
    }
    let place = "NurseryTests/SuspendedScopeTests.swift"
    let lines = dump.description.split(separator: "\n")
    let scope = try #require(lines.firstIndex { $0.hasPrefix("scope opened at \(place):\(Self.line)") })
    #expect(lines[scope].contains(", suspended with a coroutine of fiber \"consumer\""))
    #expect(lines[scope + 1].hasPrefix("  nursery \"consumers/inner\" opened at \(place):\(Self.line + 1)"))
    #expect(!lines[scope + 1].contains("suspended"))
    #expect(lines[scope + 2].hasPrefix("    fiber \"ticker\""))
    // Its deadline is none of the consumer's.
    let consumer = try #require(dump.entries.first { $0.label == "fiber \"consumer\"" })
    #expect(consumer.deadline == nil)
    let object = try #require(JSONSerialization.jsonObject(with: Data(dump.json.utf8)) as? [String: Any])
    let scopes = try #require(object["scopes"] as? [[String: Any]])
    #expect(scopes.compactMap { $0["suspendedOn"] as? UInt64 } == [consumer.id])
  }
}
