import Foundation
import Nursery
import TestSupport
import Testing

/// When a trace can be had, and what becomes of it in a file.
struct TraceRecordingTests {
  @Test func recordingIsTurnedOnAndOffWhileTheSchedulerRuns() throws {
    try runFibers(.deterministic(seed: 1)) {
      let scheduler = try #require(Scheduler.current)
      #expect(!scheduler.isRecording)
      #expect(scheduler.trace() == nil)
      func talk() throws { try withNursery { for _ in 0..<3 { $0.goAsync { Fiber.yield() } } } }
      try talk()
      scheduler.startRecording()
      #expect(scheduler.isRecording)
      try talk()
      let first = try #require(scheduler.trace())
      #expect(first.eventCount > 10)
      scheduler.stopRecording()
      let stopped = try #require(scheduler.trace()).eventCount
      try talk()
      #expect(try #require(scheduler.trace()).eventCount == stopped)
      scheduler.startRecording()
      #expect(try #require(scheduler.trace()).eventCount < 3)
      try talk()
      #expect(try #require(scheduler.trace()).eventCount > 10)
    }
  }

  @Test func tracesAreTakenWhileWorkersComeAndGo() throws {
    try runFibers(Configuration(parallelism: 4, recorder: .on(events: 256))) {
      let scheduler = try #require(Scheduler.current)
      try withNursery(placement: .spread) { nursery in
        let channel = Channel<Int>()
        for _ in 0..<20 { nursery.goAsync { for _ in channel {} } }
        for number in 0..<100 {
          if number % 3 == 0 { try? scheduler.retireWorker() }
          if number % 3 == 1 { try? scheduler.spawnWorker() }
          try channel.send(number)
          let trace = try #require(scheduler.trace())
          #expect(trace.eventCount > 0)
          if number % 20 == 0 { #expect(trace.json.hasPrefix("{")) }
        }
        channel.close()
      }
    }
  }

  @Test(arguments: [2, 4])
  func tracesAreTakenWhileWorkersWrite(workers: Int) throws {
    let scheduler = Guarded<Scheduler?>(nil)
    let isOver = Counter()
    let taker = PlainThread {
      var taken = 0
      while isOver.value == 0 {
        guard let trace = scheduler.withLock({ $0 })?.trace() else { continue }
        taken += trace.eventCount
        if taken % 7 == 0 { _ = trace.json }
      }
      return taken
    }
    try runFibers(Configuration(parallelism: workers, recorder: .on(events: 256))) {
      scheduler.withLock { $0 = Scheduler.current }
      for round in 0..<20 {
        try withNursery("round \(round)", placement: .spread) { nursery in
          let channel = Channel<Int>(.bounded(4))
          for _ in 0..<8 {
            nursery.goAsync("sender") { for number in 0..<50 { try channel.send(number) } }
            nursery.goAsync { for _ in 0..<50 { _ = try channel.receive() } }
          }
          if round % 5 == 0 { Scheduler.current?.stopRecording() }
          if round % 5 == 1 { Scheduler.current?.startRecording() }
        }
      }
    }
    isOver.add()
    #expect(try taker.join() > 0)
    scheduler.withLock { $0 = nil }
  }

  /// The events of a trace, as a program reads them.
  private func events(_ json: String) throws -> [[String: Any]] {
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8))
    return try #require((object as? [String: Any])?["traceEvents"] as? [[String: Any]])
  }

  @Test func theFileHasATrackForEachWorkerAndNurseryAndArrowsFromWakersToTheWoken() throws {
    var configuration = Configuration.deterministic(seed: 1)
    configuration.recorder = .on()
    let json = try runFibers(configuration) {
      try withNursery("accounts") { nursery in
        let channel = Channel<Int>()
        nursery.goAsync("receiver \"one\"\\") { try channel.receive() }
        waitUntilAllParked()
        try channel.send(1)
        try withNursery("inner") { $0.goAsync("child") {} }
      }
      return try #require(Trace.current()).json
    }
    let events = try events(json)
    func all(_ phase: String) -> [[String: Any]] { events.filter { $0["ph"] as? String == phase } }
    func named(_ phase: String) -> [String] { all(phase).compactMap { $0["name"] as? String } }
    let names = events.compactMap { ($0["args"] as? [String: Any])?["name"] as? String }
    #expect(names.contains("worker 0"))
    #expect(names.contains { $0.hasPrefix("nursery \"accounts\" opened at NurseryTests/TraceRecordingTests.swift:") })
    #expect(names.contains { $0.hasPrefix("nursery \"accounts/inner\"") })
    #expect(named("X").contains("fiber \"receiver \"one\"\\\""))
    #expect(named("X").contains("waits: receive from a Channel<Int>"))
    #expect(named("s") == named("f"))
    #expect(named("s").contains("wakes"))
    #expect(named("s").contains("spawns"))
    for (start, end) in zip(all("s"), all("f")) {
      #expect(start["id"] as? Int == end["id"] as? Int)
      let times = [start, end].compactMap { $0["ts"] as? Double }
      #expect(times == times.sorted())
    }
  }

  @Test func aTraceIsWrittenAsAWholeOrNotAtAll() throws {
    try withDirectory { directory in
      var configuration = Configuration.deterministic(seed: 1)
      configuration.recorder = .on()
      try runFibers(configuration) {
        try withNursery { $0.goAsync("child") {} }
        let trace = try #require(Trace.current())
        try trace.write(to: "\(directory)/trace.json")
        let text = try String(contentsOfFile: "\(directory)/trace.json", encoding: .utf8)
        expectEqual(text, trace.json)
        expectThrows(SystemError(code: ENOENT, action: "write the trace \(directory)/none/trace.json")) {
          try trace.write(to: "\(directory)/none/trace.json")
        }
        expectEqual(names(in: directory), ["trace.json"])
      }
    }
  }

  @Test func aLogKeepsItsLimitAndItsLastFiles() throws {
    try withDirectory { directory in
      let limit = 200_000
      let configuration = Configuration(parallelism: 1, recorder: .on(events: 256))
      try runFibers(configuration) {
        let log = try Scheduler.current!.logTrace(to: directory, limit: limit)
        // Until files have been removed.
        while names(in: directory).contains("trace-000001.json") || names(in: directory).isEmpty {
          try withNursery { nursery in
            for _ in 0..<2 { nursery.goAsync { for _ in 0..<200 { Fiber.yield() } } }
          }
          try sleep(for: .milliseconds(1))
        }
        try log.close()
        expectEqual(log.error == nil, true)
      }
      let files = names(in: directory)
      let sizes = try files.map { try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\($0)")).count }
      #expect(sizes.reduce(0, +) <= limit)
      #expect(files.allSatisfy { $0.hasSuffix(".json") })
      for file in files {
        _ = try events(String(contentsOfFile: "\(directory)/\(file)", encoding: .utf8))
      }
    }
  }

  @Test func aLimitThatHoldsNoFileEndsTheLogWithAnErrorThatSaysSo() throws {
    try withDirectory { directory in
      try runFibers(Configuration(parallelism: 1, recorder: .on())) {
        #expect(throws: ConfigurationError.self) { try Scheduler.current!.logTrace(to: directory, limit: 0) }
        let log = try Scheduler.current!.logTrace(to: directory, limit: 100)
        try withNursery { $0.goAsync {} }
        #expect(throws: ConfigurationError.self) { try log.close() }
        expectEqual(log.error is ConfigurationError, true)
      }
      #expect(names(in: directory).isEmpty)
    }
  }
}
