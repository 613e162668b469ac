#if canImport(Glibc)
  import Glibc
  import Testing

  @testable import Nursery

  /// Calls `body` with the path of a file system that holds a megabyte.
  private func withSmallDisk(_ body: (String) throws -> Void) throws {
    try withDirectory { directory in
      guard mount("none", directory, "tmpfs", 0, "size=1m") == 0 else { throw Oops(Int(errno)) }
      defer { umount2(directory, Int32(MNT_DETACH)) }
      try body(directory)
    }
  }

  private let mayMount = (try? withSmallDisk { _ in }) != nil

  /// A disk that is full: a small file system in memory, where the process may mount one.
  @Suite(.enabled(if: mayMount)) struct FullDiskTests {
    @Test func theWriteThatFindsNoRoomThrowsAndTheOnesBeforeStand() throws {
      try withSmallDisk { directory in
        try virtually {
          let file = try FileStream("\(directory)/file", .readWrite, [.create])
          let bytes = pattern(700_000)
          try file.writeAll(bytes)
          expectThrows(SystemError(code: ENOSPC, action: "write to the file \(directory)/file")) {
            try file.writeAll(bytes)
          }
          let size = try file.size()
          expectEqual(file.position, size)
          expectEqual(size, 1 << 20)
          expectEqual(try file.read(upTo: 700_000, at: 0) == bytes, true)
          try file.truncate(to: 10)
          try file.seek(to: 10)
          try file.writeAll("room again")
          expectEqual(try file.size(), 20)
        }
      }
    }

    @Test func acceptedBytesThatFindNoRoomAreAnErrorOfTheirOperation() throws {
      try withSmallDisk { directory in
        try virtually {
          let file = try FileStream("\(directory)/file", .write, [.create])
          file.canWriteNow.store(false, ordering: .relaxed)
          expectEqual(try file.writeOp(pattern(700_000)).perform(), 700_000)
          expectThrows(SystemError(code: ENOSPC, action: "write to the file \(directory)/file")) {
            try file.writeOp(pattern(700_000)).perform()
          }
          expectEqual(file.position, 1 << 20)
        }
      }
    }

    @Test func aFlushThatFindsNoRoomSaysSo() throws {
      try withSmallDisk { directory in
        try virtually {
          try FileStream("\(directory)/large", .write, [.create]).writeAll(pattern(1 << 20))
          let file = try FileStream("\(directory)/file", .write, [.create])
          expectThrows(SystemError(code: ENOSPC, action: "write to the file \(directory)/file")) {
            try withBufferedWriter(file) { try $0.write("one byte too many") }
          }
        }
      }
    }

    @Test func aCopyThatFindsNoRoomLeavesNothing() throws {
      try withSmallDisk { directory in
        try virtually {
          try FileStream("\(directory)/a", .write, [.create]).writeAll(pattern(600_000))
          expectThrows(SystemError(code: ENOSPC, action: "copy \(directory)/a to \(directory)/b")) {
            try copyFile(from: "\(directory)/a", to: "\(directory)/b")
          }
        }
        expectSoon { names(in: directory) == ["a"] }
      }
    }

    @Test func aTraceThatFindsNoRoomSaysSoAndLeavesNothing() throws {
      try withSmallDisk { directory in
        try runFibers(Configuration(parallelism: 1, clock: .virtual, recorder: .on())) {
          try withNursery { nursery in
            for _ in 0..<2 { nursery.goAsync { for _ in 0..<5000 { Fiber.yield() } } }
          }
          let trace = try #require(Trace.current())
          expectThrows(SystemError(code: ENOSPC, action: "write the trace \(directory)/trace.json")) {
            try trace.write(to: "\(directory)/trace.json")
          }
        }
        expectEqual(names(in: directory), [])
      }
    }

    @Test func aTraceThatTheConsoleFindsNoRoomForLeavesNothing() throws {
      try withDirectory { console in
        try withSmallDisk { directory in
          let path = "\(console)/console"
          try runFibers(Configuration(parallelism: 1, console: .at(path), recorder: .on())) {
            try withNursery { nursery in
              for _ in 0..<2 { nursery.goAsync { for _ in 0..<10000 { Fiber.yield() } } }
            }
            let client = try ConsoleClient(path)
            expectEqual(try client.error("trace save \(directory)/trace.json").contains("No space left"), true)
            expectEqual(names(in: directory), [])
            expectEqual(try client.text("trace").hasPrefix("recording"), true)
          }
        }
      }
    }

    @Test func aTraceLogThatFindsNoRoomEndsAndTheProgramGoesOn() throws {
      try withSmallDisk { directory in
        try runFibers(Configuration(parallelism: 1, recorder: .on(events: 4096))) {
          let log = try Scheduler.current!.logTrace(to: directory, limit: 1 << 30)
          var rounds = 0
          while log.error == nil {
            rounds += 1
            try withNursery { nursery in
              for _ in 0..<2 { nursery.goAsync { for _ in 0..<1000 { Fiber.yield() } } }
            }
          }
          let code = (log.error as? SystemError)?.code
          expectEqual(code, ENOSPC)
          _ = expectThrows(SystemError.self) { try log.close() }
          try withNursery { $0.goAsync {} }
        }
      }
    }
  }
#endif
