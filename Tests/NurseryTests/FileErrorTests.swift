import Testing

@testable import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// An error of a file names the file and the call.
@Suite struct FileErrorTests {
  private func expect(_ code: Int32, _ action: String, _ body: () throws -> Void) {
    expectThrows(SystemError(code: code, action: action), body)
  }

  @Test func filesThatCannotBeOpened() throws {
    try withDirectory { directory in
      try virtually {
        expect(ENOENT, "open the file \(directory)/none for reading") { _ = try FileStream("\(directory)/none") }
        expect(EISDIR, "open the file \(directory) for reading") { _ = try FileStream(directory) }
        expect(EISDIR, "open the file \(directory) for writing") { _ = try FileStream(directory, .write) }
        _ = try FileStream("\(directory)/there", .write, [.create])
        expect(EEXIST, "open the file \(directory)/there for appending") {
          _ = try FileStream("\(directory)/there", .append, [.create, .exclusive])
        }
        expect(ENOTDIR, "open the file \(directory)/there/x for reading and writing") {
          _ = try FileStream("\(directory)/there/x", .readWrite)
        }
        expect(EINVAL, "open the file a\0b for reading") { _ = try FileStream("a\0b") }
        expectThrows(SystemError(code: ENOENT, action: "open the file \(directory)/none for reading")) {
          try FileStream.openOp("\(directory)/none").perform()
        }
      }
    }
  }

  @Test func aFileOpenedForOneThingDoesNotDoTheOther() throws {
    try withDirectory { directory in
      try virtually {
        let path = "\(directory)/file"
        let output = try FileStream(path, .write, [.create])
        expect(EBADF, "read from the file \(path)") { _ = try output.read(upTo: 1) }
        let input = try FileStream(path)
        expect(EBADF, "write to the file \(path)") { try input.writeAll("x") }
        expect(EINVAL, "move the position in the file \(path) to -1") { try input.seek(to: -1) }
        expect(EINVAL, "read from the file \(path) at offset -1") { _ = try input.read(upTo: 1, at: -1) }
        expect(ESPIPE, "move the position in the file /dev/null") { try FileStream("/dev/null").seek(to: 0) }
      }
    }
  }

  /// In a process of its own, because it changes the process's limit.
  @Test func aFileBeyondTheLimitOfSizesIsAnErrorAndNotTheEndOfTheProcess() async {
    await #expect(processExitsWith: .success) {
      try withDirectory { directory in
        let output = try FileStream("\(directory)/file", .write, [.create])
        var limit = rlimit()
        getrlimit(numericCast(RLIMIT_FSIZE.rawValue), &limit)
        limit.rlim_cur = 1000
        if setrlimit(numericCast(RLIMIT_FSIZE.rawValue), &limit) != 0 { exit(3) }
        try output.writeAll([UInt8](repeating: 1, count: 1000))
        for _ in 0..<2 {
          do {
            try output.writeAll([1])
            exit(4)
          } catch let error as SystemError {
            if error.code != EFBIG { exit(5) }
          }
        }
        try runFibers {
          do {
            try copyFile(from: "/proc/self/exe", to: "\(directory)/copy")
            exit(6)
          } catch let error as SystemError {
            if error.code != EFBIG { exit(7) }
          }
        }
      }
    }
  }

  @Test func aFullDeviceIsAnErrorOfTheWriteItself() throws {
    try virtually {
      let file = try FileStream("/dev/full", .write)
      for _ in 0..<3 { expect(ENOSPC, "write to the file /dev/full") { _ = try file.write([1, 2, 3]) } }
    }
  }
}
