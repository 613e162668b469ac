import Foundation
import TestSupport
import Testing

@testable import Nursery

/// The recorder at a console.
struct ConsoleTraceTests {
  /// Runs `body` on a thread of its own, while fibers keep the only worker busy, with a directory and a client of the console.
  private func whileTheWorkerComputes(
    _ recorder: Configuration.Recorder = .off, _ body: @escaping @Sendable (String, ConsoleClient) throws -> Void
  ) throws {
    try withDirectory { directory in
      let path = "\(directory)/console"
      try runFibers(Configuration(parallelism: 1, console: .at(path), recorder: recorder)) {
        let isOver = Counter()
        let thread = PlainThread {
          defer { isOver.add() }
          try body(directory, try ConsoleClient(path))
        }
        try withNursery { nursery in
          for _ in 0..<2 { nursery.goAsync { while isOver.value == 0 { Fiber.yield() } } }
        }
        try thread.join()
      }
    }
  }

  @Test func aTraceIsStartedStoppedAndSavedWhileEveryWorkerIsBusy() throws {
    try whileTheWorkerComputes { directory, client in
      expectEqual(try client.text("trace"), "not recording")
      let started = try client.ask("trace start")
      #expect((started["text"] as? String)?.hasPrefix("recording from now on; trace save PATH writes it") == true)
      #expect(started["recording"] as? Bool == true)
      while try client.ask("trace")["events"] as? Int ?? 0 < 100 {}
      expectEqual(try client.text("trace").hasPrefix("recording; "), true)
      let stopped = try client.ask("trace stop")
      #expect(stopped["recording"] as? Bool == false)
      // What was recorded stays.
      let file = "\(directory)/a trace.json"
      let saved = try client.ask("trace save \"\(file)\"")
      #expect(saved["path"] as? String == file)
      #expect((saved["events"] as? Int ?? 0) >= 100)
      let data = try Data(contentsOf: URL(fileURLWithPath: file))
      #expect(saved["bytes"] as? Int == data.count)
      let trace = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
      #expect((trace["traceEvents"] as? [Any])?.isEmpty == false)
      let page = "\(directory)/trace.html"
      expectEqual(try client.text("trace save \(page)").hasPrefix("wrote \(page): "), true)
      expectEqual(try String(contentsOfFile: page, encoding: .utf8).hasPrefix("<!doctype html>"), true)
      #expect(names(in: directory) == ["a trace.json", "console", "trace.html"])
    }
  }

  @Test func aNewTraceForgetsTheOneBefore() throws {
    try runFibers(Configuration(parallelism: 1, recorder: .on())) {
      try withDirectory { directory in
        let scheduler = try #require(Scheduler.current)
        try withNursery { nursery in for _ in 0..<2 { nursery.goAsync { for _ in 0..<500 { Fiber.yield() } } } }
        let before = try #require(scheduler.trace()).eventCount
        var commands = ConsoleCommands(scheduler, ConsoleLimits())
        _ = commands.answer("trace stop")
        _ = commands.answer("trace start")
        #expect(try #require(scheduler.trace()).eventCount < before)
      }
    }
  }

  @Test func aRefusalOfATraceSaysWhatToWriteInstead() throws {
    try whileTheWorkerComputes { directory, client in
      expectEqual(try client.error("trace stop"), "nothing is being recorded; write trace start first")
      expectEqual(try client.error("trace save \(directory)/a"), "nothing has been recorded; write trace start first")
      expectEqual(try client.error("trace begin").hasSuffix("trace start, trace stop or trace save PATH"), true)
      expectEqual(try client.error("trace start now").hasPrefix("there is no trace \"start now\""), true)
      _ = try client.text("trace start")
      expectEqual(try client.error("trace start").hasPrefix("the run is being recorded already; write trace "), true)
      expectEqual(try client.error("trace save").contains("write trace save /var/tmp/trace.json"), true)
      expectEqual(try client.error("trace save a\u{0}b").hasPrefix("where to?"), true)
      _ = try client.text("trace stop")
      expectEqual(try client.error("trace stop"), "nothing is being recorded; write trace start first")
      #expect(names(in: directory) == ["console"])
    }
  }

  @Test func aFileThatIsThereIsNotReplaced() throws {
    try whileTheWorkerComputes(.on()) { directory, client in
      for name in ["file", "file.partial"] {
        try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
      }
      try FileManager.default.createSymbolicLink(atPath: "\(directory)/link", withDestinationPath: "\(directory)/none")
      for name in ["file", "link", "console"] {
        let refusal = try client.error("trace save \(directory)/\(name)")
        #expect(refusal.contains("\(directory)/\(name): "))
        #expect(refusal.hasSuffix("a console replaces no file, write another path"))
      }
      expectEqual(try String(contentsOfFile: "\(directory)/file", encoding: .utf8), "mine")
      try FileManager.default.removeItem(atPath: "\(directory)/file")
      expectEqual(try client.error("trace save \(directory)/file").contains("file.partial: "), true)
      #expect(names(in: directory) == ["console", "file.partial", "link"])
    }
  }

  @Test func aTraceThatCannotBeWrittenIsRefusedAndLeavesNothing() throws {
    try whileTheWorkerComputes(.on()) { directory, client in
      let none = "\(directory)/none/trace.json"
      expectEqual(try client.error("trace save \(none)").hasPrefix("could not write the trace \(none): "), true)
      expectEqual(try client.error("trace save /proc/trace.json").hasPrefix("could not write the trace /proc/"), true)
      let long = "\(directory)/\(String(repeating: "x", count: 300))"
      expectEqual(try client.error("trace save \(long)").hasPrefix("could not write the trace "), true)
      // It could be reserved, but not written.
      let almost = "\(directory)/\(String(repeating: "x", count: 250))"
      expectEqual(try client.error("trace save \(almost)").contains(".partial: "), true)
      #expect(names(in: directory) == ["console"])
      expectEqual(try client.text("trace").hasPrefix("recording; "), true)
    }
  }
}
