import Nursery
import TestSupport
import Testing

/// Programs that hang for what is outside, and what a dump says of them; with the real clock.
struct StuckStreamTests {
  /// Waits until the fiber of this name waits, and returns its entry; the dump is taken on another thread.
  private func whenWaiting(_ name: String) throws -> FiberDump.Entry {
    while true {
      let dump = try blocking { FiberDump.all() }
      let found = dump.entries.first { $0.label == "fiber \"\(name)\"" }
      if let found, found.state == .waiting { return found }
      try sleep(for: .milliseconds(1))
    }
  }

  @Test func aWriterToAPeerThatNeverReadsWaitsForItsDescriptor() throws {
    try runFibers {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0)
        let client = try TCPStream.connect(host: "127.0.0.1", port: listener.port)
        let server = try listener.accept()
        let line = #line + 2
        nursery.goAsync("writer") {
          while true { try client.writeAll([UInt8](repeating: 0, count: 1 << 20)) }
        }
        let writer = try whenWaiting("writer")
        #expect(writer.waits.map(\.description) == ["a descriptor to take more"])
        guard case .descriptor = writer.waits.first?.waker else { Issue.record("\(writer.waits)"); return }
        if SourceLines.isAvailable { #expect(writer.line == "NurseryTests/StuckStreamTests.swift:\(line)") }
        nursery.cancel()
        withExtendedLifetime(server) {}
      }
    }
  }

  @Test func aWriterToAFullPipeOfAProcessWaitsForItsDescriptor() throws {
    try runFibers {
      try withNursery { nursery in
        let process = try Command("sleep", "1000", input: .pipe).start()
        nursery.goAsync("feeder") {
          while true { try process.input!.writeAll([UInt8](repeating: 0, count: 1 << 16)) }
        }
        let feeder = try whenWaiting("feeder")
        #expect(feeder.waits.map(\.description) == ["a descriptor to take more"])
        // The cancellation first: it would find a writer whose pipe has broken.
        nursery.cancel()
        process.kill(.kill)
      }
    }
  }

  @Test func aFiberThatIsStarvedByAComputingOneCanRunAndTheOtherRuns() throws {
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { nursery in
        let channel = Channel<Int>(.bounded(1))
        nursery.goAsync("starved") { _ = try channel.receive() }
        try sleep(for: .milliseconds(1))
        nursery.goAsync("computing") {
          _ = try channel.trySend(1)
          // On another thread, while this one computes.
          let dump = try PlainThread { FiberDump.all() }.join()
          let computing = dump.entries.first { $0.label == "fiber \"computing\"" }
          let starved = dump.entries.first { $0.label == "fiber \"starved\"" }
          #expect(computing?.state == .running)
          #expect(starved?.state == .ready)
        }
      }
    }
  }
}
