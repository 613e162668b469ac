import Testing

@testable import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A buffered writer to a file: a thread of the pool may write bytes after the file has accepted them.
@Suite struct BufferedFileTests {
  private func contents(_ path: String) throws -> String {
    String(decoding: try FileStream(path).read(upTo: 1 << 20, at: 0), as: UTF8.self)
  }

  private func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : -1
  }

  @Test(arguments: [FileStream.Access.write, .append]) func flushedBytesAreInTheFile(access: FileStream.Access) throws {
    try withDirectory { directory in
      try virtually {
        for round in 0..<200 {
          let path = "\(directory)/\(round)"
          let file = try FileStream(path, access, [.create])
          file.canWriteNow.store(false, ordering: .relaxed)
          try withBufferedWriter(file) { try $0.write("flushed") }
          file.close()
          expectEqual(try contents(path), "flushed")
        }
      }
    }
  }

  @Test func closingAFileLosesNothingThatItHasAccepted() throws {
    try withDirectory { directory in
      try virtually {
        let paths = (0..<200).map { "\(directory)/\($0)" }
        for path in paths {
          let file = try FileStream(path, .append, [.create])
          expectEqual(try Array("accepted".utf8).withUnsafeBytes { try file.tryWrite($0) }, 8)
          file.close()
        }
        expectSoon { paths.allSatisfy { size($0) == 8 } }
      }
    }
  }

  /// In a process of its own, with a limit of 0 for the size of files.
  @Test func aFlushThrowsWhyAnEarlierPieceCouldNotBeWritten() async {
    await #expect(processExitsWith: .success) {
      func expectTooLarge(_ body: () throws -> Void) {
        do {
          try body()
          exit(3)
        } catch let error as SystemError {
          if error.code != EFBIG { exit(4) }
        } catch {
          exit(5)
        }
      }
      try withDirectory { directory in
        var limit = rlimit()
        getrlimit(numericCast(RLIMIT_FSIZE.rawValue), &limit)
        limit.rlim_cur = 0
        if setrlimit(numericCast(RLIMIT_FSIZE.rawValue), &limit) != 0 { exit(6) }
        try runFibers {
          let file = try FileStream("\(directory)/file", .append, [.create])
          let writer = BufferedWriter(file, capacity: 4)
          try writer.write("abcdefgh")
          if writer.bufferedCount != 0 { exit(7) }
          expectTooLarge { try writer.flush() }
          expectTooLarge { try withBufferedWriter(file) { try $0.write("x") } }
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(1))) func aWaitForAWriteOnTheOnlyThreadLetsTheWriteRun() async {
    await #expect(processExitsWith: .success) {
      try withDirectory { directory in
        BlockingPool.shared.limit = 1
        try runFibers(Configuration(parallelism: 1)) {
          let file = try FileStream("\(directory)/file", .append, [.create])
          let gate = Condition()
          try withTimeout(.seconds(20)) {
            try withNursery { nursery in
              nursery.goAsync { try blocking { try gate.wait() } }
              nursery.goAsync { try file.size() }
              nursery.goAsync { try file.sync() }
              nursery.goAsync { try file.truncate(to: 3) }
              waitUntilAllParked()
              // The write is queued behind calls that wait for it.
              expectEqual(try [1, 2, 3, 4].withUnsafeBytes { try file.tryWrite($0) }, 4 * MemoryLayout<Int>.size)
              gate.signal()
            }
          }
          expectEqual(try file.size(), 3)
        }
      }
    }
  }

  @Test func anErrorThatNoCallIsLeftToThrowIsReported() throws {
    let reported = Log<Oops>()
    try withDirectory { directory in
      let configuration = Configuration(
        parallelism: 1, onSuppressedError: { error in if let error = error as? Oops { reported.append(error) } })
      try runFibers(configuration) {
        let file = try FileStream("\(directory)/file", .write, [.create])
        file.withLock { file.writeError = Oops(1) }
        file.close()
      }
    }
    #expect(reported.entries == [Oops(1)])
  }
}
