import Testing

@testable import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct CopyFileTests {
  @Test func aCopyHasTheSameBytesAndPermissions() throws {
    try withDirectory { directory in
      let bytes = pattern(20_000_000)
      try virtually {
        try FileStream("\(directory)/a", .write, [.create], permissions: 0o640).writeAll(bytes)
        try FileStream("\(directory)/b", .write, [.create]).writeAll("to be replaced")
        expectEqual(try copyFile(from: "\(directory)/a", to: "\(directory)/b"), 20_000_000)
        let copy = try FileStream("\(directory)/b")
        expectEqual(isSame(try copy.read(upTo: 30_000_000, at: 0), bytes), true)
        var status = stat()
        stat("\(directory)/b", &status)
        expectEqual(status.st_mode & 0o777, 0o640)
        try copyFile(from: "\(directory)/b", to: "\(directory)/b")
        expectEqual(try copy.size(), 20_000_000)
      }
      #expect(names(in: directory) == ["a", "b"])
    }
  }

  @Test func aCopyHasNoSetUserIDBit() throws {
    try withDirectory { directory in
      try virtually { try FileStream("\(directory)/a", .write, [.create]).writeAll("program") }
      #expect(chmod("\(directory)/a", 0o7755) == 0)
      try virtually { try copyFile(from: "\(directory)/a", to: "\(directory)/b") }
      var status = stat()
      stat("\(directory)/b", &status)
      #expect(status.st_mode & 0o7777 == 0o755)
    }
  }

  @Test func filesOfUnknownSizeAreCopiedWhole() throws {
    try withDirectory { directory in
      try virtually {
        _ = try FileStream("\(directory)/empty", .write, [.create])
        expectEqual(try copyFile(from: "\(directory)/empty", to: "\(directory)/copy"), 0)
        expectEqual(try copyFile(from: "/proc/self/status", to: "\(directory)/status") > 0, true)
      }
    }
  }

  @Test func aNameMayBeAsLongAsNamesMayBe() throws {
    try withDirectory { directory in
      let (long, other) = (String(repeating: "l", count: 255), String(repeating: "o", count: 255))
      try virtually {
        try FileStream("\(directory)/\(long)", .write, [.create]).writeAll("long")
        expectEqual(try copyFile(from: "\(directory)/\(long)", to: "\(directory)/\(other)"), 4)
        expectThrows(SystemError.self) { try copyFile(from: "\(directory)/\(long)", to: "\(directory)/\(other)o") }
        expectThrows(SystemError.self) { try copyFile(from: "\(directory)/\(long)", to: "\(directory)/a\0b") }
      }
      #expect(names(in: directory) == [long, other])
    }
  }

  @Test func holesStayHoles() throws {
    func blocks(_ path: String) -> Int {
      var status = stat()
      stat(path, &status)
      return Int(status.st_blocks)
    }
    try withDirectory { directory in
      let (source, copy) = ("\(directory)/a", "\(directory)/b")
      try virtually {
        let file = try FileStream(source, .write, [.create])
        try file.write(pattern(70_000), at: 4 << 20)
        try file.write([1, 2, 3], at: 100 << 20)
        try file.truncate(to: 200 << 20)
        try file.sync()
        expectEqual(try copyFile(from: source, to: copy), 200 << 20)
        let result = try FileStream(copy)
        expectEqual(try result.size(), 200 << 20)
        expectEqual(isSame(try result.read(upTo: 70_000, at: 4 << 20), pattern(70_000)), true)
        expectEqual(try result.read(upTo: 5, at: 100 << 20), [1, 2, 3, 0, 0])
        expectEqual(try result.read(upTo: 2, at: 200 << 20 - 1), [0])
      }
      // If the file system makes no holes, the copy has none either.
      #expect(blocks(copy) <= blocks(source) + 2048)
    }
  }

  @Test func aFifoIsRefusedAtOnceAndItsWriterIsLeftAlone() throws {
    try withDirectory { directory in
      let path = "\(directory)/fifo"
      mkfifo(path, 0o600)
      try virtually {
        expectThrows(
          SystemError(
            code: ESPIPE,
            action: "copy \(path) to \(directory)/b, which is no regular file; copy between streams")
        ) { try copyFile(from: path, to: "\(directory)/b") }
      }
      #expect(open(path, O_WRONLY | O_NONBLOCK) == -1)
      #expect(names(in: directory) == ["fifo"])
    }
  }

  @Test func anAbandonedCopyLeavesNothing() throws {
    try withDirectory { directory in
      try virtually {
        let file = try FileStream("\(directory)/a", .write, [.create])
        for part in 0..<4 { try file.write(pattern(24 << 20), at: Int64(part) * 24 << 20) }
        let end: Void? = try withCancelScope { scope in
          try withNursery { nursery in
            nursery.goAsync {
              while names(in: directory) == ["a"] { Fiber.yield() }
              scope.cancel()
            }
            try copyFile(from: "\(directory)/a", to: "\(directory)/b")
          }
        }
        // The copy may just have completed.
        expectEqual(names(in: directory), end == nil ? ["a"] : ["a", "b"])
      }
    }
  }

  @Test func aTargetThatIsNoFileIsNotReplaced() throws {
    try withDirectory { directory in
      try virtually {
        _ = try FileStream("\(directory)/a", .write, [.create])
        expectThrows(
          SystemError(
            code: EEXIST, action: "copy \(directory)/a to /dev/null: there is something that is no regular file")
        ) { try copyFile(from: "\(directory)/a", to: "/dev/null") }
        expectThrows(SystemError.self) { try copyFile(from: "/dev/zero", to: "\(directory)/b") }
        expectThrows(SystemError.self) { try copyFile(from: directory, to: "\(directory)/b") }
        expectThrows(SystemError.self) { try copyFile(from: "\(directory)/a", to: "\(directory)/none/b") }
      }
      #expect(names(in: directory) == ["a"])
    }
  }
}
