import Foundation
import TestSupport
import Testing

@testable import Nursery

/// What a trace says of runs, waits, wakeups, scopes and spans.
struct TraceTests {
  /// The model of what `body` does in a deterministic scheduler.
  private func model(events: Int = 4096, _ body: () throws -> Void) throws -> TraceModel {
    var configuration = Configuration.deterministic(seed: 1)
    configuration.recorder = .on(events: events)
    let scheduler = try runFibers(configuration) {
      try body()
      return Scheduler.current!
    }
    return TraceModel(try #require(scheduler.trace()).recording)
  }

  private func fiber(_ name: String, _ model: TraceModel) throws -> Int {
    try #require(model.fibers.firstIndex { $0.name == name })
  }

  private func texts(_ name: String, _ model: TraceModel) throws -> [String] {
    let stays = model.stays(of: try fiber(name, model))
    return stays.filter { $0.state == .waits }.map { "\($0.text) < \($0.wokenBy ?? "")" }
  }

  @Test func aTraceTellsWhatEachFiberWaitedForAndWhoWokeIt() throws {
    let model = try model {
      let numbers = Channel<Int>()
      let done = Condition()
      try withNursery { nursery in
        nursery.goAsync("receiver") {
          try sleep(for: .milliseconds(5))
          _ = try choose(numbers.receiveOp(), sleepOp(for: .seconds(9)).wrap { 0 })
          done.signal()
        }
        nursery.goAsync("sender") {
          try sleep(for: .milliseconds(20))
          try numbers.send(1)
        }
        try done.wait()
      }
    }
    #expect(
      try texts("receiver", model) == [
        "waits: a timer < a timer", "waits: receive from a Channel<Int> or 1 more < fiber \"sender\"",
      ])
    #expect(try texts("sender", model) == ["waits: a timer < a timer"])
    let receiver = model.fibers[try fiber("receiver", model)]
    #expect(receiver.ending == .completed)
    #expect(receiver.site.description.hasPrefix("NurseryTests/TraceTests.swift:"))
    let waits = model.stays(of: try fiber("sender", model)).filter { $0.state == .waits }
    // Each event is a nanosecond after the one before.
    #expect(waits.map { ($0.time.count + 500_000) / 1_000_000 } == [20])
  }

  @Test func everyKindOfWaitHasItsName() throws {
    let model = try model {
      let channel = Channel<String>()
      let lock = FiberMutex(0)
      try withNursery { nursery in
        nursery.goAsync("sends") { try channel.send("a") }
        nursery.goAsync("locks") { try lock.withLock { _ in try sleep(for: .seconds(1)) } }
        waitUntilAllParked()
        nursery.goAsync("is locked") { try lock.withLock { _ in } }
        nursery.goAsync("takes") { _ = try MVar<Int>().take() }
        nursery.goAsync("parent") { try withNursery { $0.goAsync { try Channel<Int>().receive() } } }
        waitUntilAllParked()
        nursery.cancel()
      }
    }
    #expect(try texts("sends", model).first?.hasPrefix("waits: send to a Channel<String> < a cancellation") == true)
    #expect(try texts("is locked", model).first?.hasPrefix("waits: a FiberMutex < ") == true)
    #expect(try texts("takes", model).first?.hasPrefix("waits: to take from an MVar < ") == true)
    #expect(try texts("parent", model).first?.hasPrefix("waits for its children < ") == true)
  }

  @Test func scopesAreShownFromTheirOpeningToTheirEndAndWithTheReasonOfACancellation() throws {
    let opened = #line + 2
    let model = try model {
      try withNursery("outer") { nursery in
        try withNursery("inner") { inner in
          inner.goAsync("child") { try Channel<Int>().receive() }
          waitUntilAllParked()
          inner.cancel()
        }
        _ = try withTimeoutOrNil(.seconds(1)) { try sleep(for: .seconds(2)) }
      }
    }
    let inner = try #require(model.scopes.first { $0.path == "outer/inner" })
    #expect(model.scopes[inner.parent].path == "outer")
    #expect(model.scopes[inner.parent].site.description == "NurseryTests/TraceTests.swift:\(opened)")
    #expect(inner.opened != nil && inner.closed != nil)
    #expect(inner.cancelled?.reason == .requested)
    #expect(model.label(try #require(inner.cancelled?.by)) == "the root fiber")
    let child = model.fibers[try fiber("child", model)]
    #expect(model.scopes[child.home].path == "outer/inner")
    #expect(child.ending == .cancelled)
    let timeout = try #require(model.scopes.first { $0.kind == .scope && $0.cancelled != nil })
    #expect(timeout.cancelled?.reason == .deadline)
  }

  @Test func spansAndMarksBelongToTheirFiber() throws {
    let model = try model {
      try withNursery { nursery in
        try nursery.goAsync("worker") {
          try Trace.withSpan("parse") {
            try sleep(for: .seconds(1))
            Trace.mark("half")
            try Trace.withSpan("inner") { try sleep(for: .seconds(1)) }
          }
        }.wait()
      }
    }
    let worker = try fiber("worker", model)
    #expect(model.spans.map(\.name) == ["parse", "inner"])
    #expect(model.spans.map(\.fiber) == [worker, worker])
    #expect(model.spans.map { ($0.end - $0.begin + 500) / 1_000_000_000 } == [2, 1])
    #expect(model.moments.contains { $0.text == "half" && $0.fiber == worker })
  }

  @Test func aBlockingCallIsShownWithItsFiber() throws {
    let scheduler = try runFibers(Configuration(parallelism: 1, recorder: .on())) {
      try withNursery { nursery in nursery.goAsync("caller") { try blocking {} } }
      return Scheduler.current!
    }
    let model = TraceModel(try #require(scheduler.trace()).recording)
    #expect(model.calls.map(\.fiber) == [try fiber("caller", model)])
    expectEqual(try texts("caller", model).map { $0.prefix { $0 != "<" } }, ["waits: a blocking call "])
  }

  @Test func theSameSeedGivesTheSameTrace() throws {
    func json() throws -> String {
      var configuration = Configuration.deterministic(seed: 7)
      configuration.recorder = .on()
      return try runFibers(configuration) {
        try withNursery("work") { nursery in
          let channel = Channel<Int>(.bounded(2))
          for index in 0..<5 { nursery.goAsync { for number in 0..<10 { try channel.send(number * index) } } }
          for _ in 0..<50 { _ = try channel.receive() }
          try withTimeout(.seconds(9)) { try sleep(for: .seconds(1)) }
        }
        return try #require(Trace.current()).json
      }
    }
    let first = try json()
    #expect(try json() == first)
    #expect(first.contains("fiber #"))
  }

  @Test func theRecorderKeepsTheLastEventsAndCountsTheOthers() throws {
    let model = try model(events: 64) {
      try withNursery("work") { nursery in
        nursery.goAsync("early") { for _ in 0..<1000 { Fiber.yield() } }
        nursery.goAsync { for _ in 0..<1000 { Fiber.yield() } }
      }
    }
    #expect(model.recording.tracks.map(\.lost).max()! > 500)
    #expect(model.recording.tracks.allSatisfy { $0.events.count <= 64 })
    #expect(!model.runs.isEmpty)
  }

  @Test func aFiberThatLivesHasItsNameThoughItsSpawnIsForgotten() throws {
    var configuration = Configuration.deterministic(seed: 1)
    configuration.recorder = .on(events: 64)
    try runFibers(configuration) {
      try withNursery("work") { nursery in
        nursery.goAsync("early") { for _ in 0..<1000 { Fiber.yield() } }
        for _ in 0..<500 { Fiber.yield() }
        let model = TraceModel(try #require(Trace.current()).recording)
        let early = model.fibers[try fiber("early", model)]
        #expect(early.spawned == nil)
        #expect(model.scopes[early.home].path == "work")
      }
    }
  }

  @Test func aDeadlockHasTheTraceThatLedToIt() throws {
    var configuration = Configuration.deterministic(seed: 1)
    configuration.recorder = .on()
    do {
      try runFibers(configuration) {
        try withNursery { $0.goAsync("stuck") { try Channel<Int>().receive() } }
      }
      Issue.record("no deadlock")
    } catch let error as DeadlockError {
      let model = TraceModel(try #require(error.trace).recording)
      expectEqual(try texts("stuck", model), ["waits: receive from a Channel<Int> < "])
    }
  }

  @Test func aConfigurationThatKeepsTooFewOrTooManyEventsIsRefused() {
    for events in [0, 63, 1 << 25] {
      #expect(throws: ConfigurationError.self) { try runFibers(Configuration(recorder: .on(events: events))) {} }
    }
  }
}
