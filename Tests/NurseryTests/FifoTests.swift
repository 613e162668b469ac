import Testing

@testable import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// FIFOs with and without a process at the other end.
@Suite struct FifoTests {
  private func withFifo(_ body: (String) throws -> Void) throws {
    try withDirectory { directory in
      #expect(mkfifo("\(directory)/fifo", 0o600) == 0)
      try body("\(directory)/fifo")
    }
  }

  @Test(arguments: parallelisms) func aFifoIsReadFromItsFirstWriterToItsLast(parallelism: Int) throws {
    try withFifo { path in
      try runFibers(Configuration(parallelism: parallelism)) {
        try withNursery { nursery in
          let input = try FileStream(path)
          expectEqual(try input.readOp(upTo: 10).poll() == nil, true)
          expectThrows(TimeoutError.self) { try input.readOp(upTo: 10).orTimeout(after: .milliseconds(1)).perform() }
          nursery.goAsync {
            let output = try FileStream(path, .write)
            try output.writeAll("hello")
            try output.writeAll(", world")
            output.close()
          }
          var text = ""
          while true {
            let piece = try input.read(upTo: 100)
            if piece.isEmpty { break }
            text += String(decoding: piece, as: UTF8.self)
          }
          expectEqual(text, "hello, world")
          expectEqual(input.position, 12)
        }
      }
    }
  }

  @Test func aFifoForWritingWaitsForItsReader() throws {
    try withFifo { path in
      try runFibers {
        try withNursery { nursery in
          let output = nursery.goAsync { try FileStream(path, .write) }
          while BlockingPool.shared.statistics.running == 0 { Fiber.yield() }
          let input = try FileStream(path)
          try output.wait().writeAll("x")
          expectEqual(try input.read(upTo: 2), Array("x".utf8))
        }
      }
    }
  }

  @Test func aFullFifoBlocksItsWriterAndNoThread() throws {
    try withFifo { path in
      try runFibers {
        let input = try FileStream(path)
        let output = try FileStream(path, .write)
        let bytes = pattern(300_000)
        try withNursery { nursery in
          nursery.goAsync {
            try output.writeAll(bytes)
            output.close()
          }
          var all: [UInt8] = []
          while all.count < bytes.count { all += try input.read(upTo: 1 << 20) }
          expectEqual(isSame(all, bytes), true)
          expectEqual(try input.read(upTo: 1), [])
          expectThrows(SystemError(code: ESPIPE, action: "read from the file \(path) at an offset")) {
            try input.read(upTo: 1, at: 0)
          }
        }
      }
    }
  }

  /// In a process of its own, because all tests share the pool.
  @Test(.timeLimit(.minutes(1))) func opensThatWaitLeaveThePoolToOthersAndAreInterrupted() async {
    await #expect(processExitsWith: .success) {
      try withDirectory { directory in
        mkfifo("\(directory)/fifo", 0o600)
        let pool = BlockingPool.shared
        pool.limit = 2
        try runFibers(Configuration(parallelism: 1)) {
          try withNursery { nursery in
            let opens = (0..<20).map { _ in nursery.goAsync { try FileStream("\(directory)/fifo", .write) } }
            while pool.statistics.running < 20 { Fiber.yield() }
            if try blocking({ 7 }) != 7 { exit(3) }
            for open in opens { open.cancel() }
            for open in opens {
              do {
                _ = try open.wait()
                exit(4)
              } catch is CancellationError {}
            }
          }
          for _ in 0..<20 {
            do {
              try withTimeout(.milliseconds(1)) {
                _ = try FileStream.openOp("\(directory)/fifo", .write).perform()
              }
              exit(5)
            } catch is TimeoutError {}
          }
        }
        let now = pool.statistics
        if now.running != 0 || now.unwanted != 0 || now.queued != 0 { exit(6) }
        while pool.statistics.threads > 2 { sched_yield() }
      }
    }
  }
}
