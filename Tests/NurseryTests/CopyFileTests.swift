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

  @Test func aCopyRunsAsNobodyElse() throws {
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

  @Test func aCopyThatIsGivenUpLeavesNothing() throws {
    try withDirectory { directory in
      try virtually {
        let file = try FileStream("\(directory)/a", .write, [.create])
        try file.truncate(to: 400 << 20)
        let end: Void? = try withCancelScope { scope in
          try withNursery { nursery in
            nursery.goAsync {
              while names(in: directory) == ["a"] { Fiber.yield() }
              scope.cancel()
            }
            try copyFile(from: "\(directory)/a", to: "\(directory)/b")
          }
        }
        expectEqual(end == nil, true)
      }
      expectSoon { names(in: directory) == ["a"] }
    }
  }

  @Test func whatIsNoFileIsNotReplaced() throws {
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
