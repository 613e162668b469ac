import Nursery
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Who may attach to a console, and what a client can do to the program.
struct ConsoleSocketTests {
  private func withConsole(
    _ limits: ConsoleLimits = ConsoleLimits(), fibers: Int = 0, _ body: (String) throws -> Void
  ) throws {
    try withDirectory { directory in
      let path = "\(directory)/console"
      try runFibers(Configuration(parallelism: 1, onDeadlock: .wait, console: .at(path, limits))) {
        try withNursery { nursery in
          let never = Channel<Int>()
          for _ in 0..<fibers { nursery.goAsync { _ = try never.receive() } }
          Fiber.yield()
          try body(path)
          nursery.cancel()
        }
      }
    }
  }

  private func mode(of path: String) -> mode_t? {
    var found = stat()
    return lstat(path, &found) == 0 ? found.st_mode & 0o777 : nil
  }

  // MARK: The path

  @Test func theSocketIsItsUsersAloneAndGoesWithTheRun() throws {
    try withDirectory { directory in
      let path = "\(directory)/console"
      try runFibers(Configuration(parallelism: 1, console: .at(path))) { expectEqual(mode(of: path), 0o600) }
      expectEqual(mode(of: path), nil)
    }
  }

  @Test func aPathInUseIsRefusedAndLeftAlone() throws {
    try withDirectory { directory in
      let path = "\(directory)/console"
      close(open(path, O_CREAT | O_WRONLY, 0o640))
      let before = mode(of: path)
      let runs = Counter()
      let ofFile = expectThrows(SystemError.self) { try runFibers(Configuration(console: .at(path))) { runs.add() } }
      #expect(ofFile?.description.contains("\(path): there is something that is no socket; remove it") == true)
      #expect(before != nil && mode(of: path) == before)
      unlink(path)
      try runFibers(Configuration(parallelism: 1, console: .at(path))) {
        let ofConsole = expectThrows(SystemError.self) {
          try runFibers(Configuration(console: .at(path))) { runs.add() }
        }
        #expect(ofConsole?.description.contains("another program listens there; choose another path") == true)
        let client = try ConsoleClient(path)
        #expect(try client.text("help") != "")
      }
      #expect(runs.value == 0)
    }
  }

  @Test func aSocketThatACrashHasLeftIsReplaced() throws {
    try withDirectory { directory in
      let path = "\(directory)/console"
      let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      #expect(result == 0)
      close(dead)
      try runFibers(Configuration(parallelism: 1, console: .at(path))) {
        let client = try ConsoleClient(path)
        #expect(try client.text("help") != "")
      }
    }
  }

  @Test(arguments: ["", String(repeating: "x", count: 200), "/no/such/folder/console"])
  func anImpossiblePathEndsTheRunBeforeItsBody(path: String) {
    let runs = Counter()
    expectThrows(SystemError.self) { try runFibers(Configuration(console: .at(path))) { runs.add() } }
    #expect(runs.value == 0)
  }

  /// In a process of its own, which becomes another user after it has opened the console.
  @Test(.enabled(if: geteuid() == 0)) func anotherUserIsRefused() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        try withDirectory { directory in
          let path = "\(directory)/console"
          try runFibers(Configuration(parallelism: 1, onDeadlock: .wait, console: .at(path))) {
            chmod(directory, 0o711)
            chmod(path, 0o666)
            seteuid(65534)
            defer { seteuid(0) }
            let reader = BufferedReader(try UnixStream.connect(to: .unix(path: path)))
            let refusal = try reader.readLine()
            guard refusal?.contains("this console answers its own user and root only") == true else { exit(1) }
            guard (try? reader.readLine()) ?? nil == nil else { exit(2) }
          }
        }
      }
    }
  }

  // MARK: Clients

  @Test func garbageIsAnsweredOrEndsTheConnection() throws {
    try withConsole { path in
      for garbage in ["\u{0}\u{1}\u{1B}[2J\n", "\u{FFFD}\n", "why \"\n", "cancel \u{0}\n", "GET / HTTP/1.1\r\n"] {
        let client = try ConsoleClient(path)
        try client.stream.writeAll(garbage)
        expectEqual(try client.reply()?["version"] as? Int, 1)
      }
      let client = try ConsoleClient(path)
      try client.stream.writeAll([0xFF, 0xC0, 0x80, 0x0A] as [UInt8])
      #expect(try #require(try client.reply())["error"] as? String != nil)
      let endless = try ConsoleClient(path)
      try endless.stream.writeAll(String(repeating: "x", count: 4096))
      #expect((try #require(try endless.reply())["error"] as? String)?.contains("less than 4096 bytes") == true)
      #expect(try endless.reply() == nil)
      #expect(try client.text("help") != "")
    }
  }

  @Test func severalRequestsAtOnceAreAnsweredInTheirOrder() throws {
    try withConsole { path in
      let client = try ConsoleClient(path)
      try client.stream.writeAll("\n  \nhelp\nwhy\r\nstats")
      try client.stream.closeWriting()
      #expect(try #require(try client.reply())["text"] != nil)
      #expect(try #require(try client.reply())["error"] != nil)
      #expect(try #require(try client.reply())["statistics"] != nil)
      #expect(try client.reply() == nil)
    }
  }

  @Test func aClientThatNeverReadsIsDisconnected() throws {
    var limits = ConsoleLimits()
    limits.replyTime = .milliseconds(50)
    try withConsole(limits, fibers: 4000) { path in
      let idle = try ConsoleClient(path)
      try idle.stream.writeAll("dump json\ndump json\n")
      // Its reply does not fit into the socket. Others are answered meanwhile, and afterwards.
      let client = try ConsoleClient(path)
      #expect(try client.text("help") != "")
      try sleep(for: .milliseconds(60))
      // The second answer comes after a look at every client.
      for _ in 0..<2 { #expect(try client.text("help") != "") }
      var bytes = 0
      while let part = try? idle.stream.read(upTo: 1 << 16), !part.isEmpty { bytes += part.count }
      let whole = try client.ask("dump json")
      #expect(bytes < 2_000_000)
      #expect((whole["dump"] as? [String: Any])?["fibers"] != nil)
    }
  }

  @Test func aClientThatDisconnectsInTheMiddleHarmsNothing() throws {
    try withConsole(fibers: 4000) { path in
      for request in ["dump json\n", "dump js", "top\ntop\n", ""] {
        let client = try ConsoleClient(path)
        try client.stream.writeAll(request)
        client.stream.close()
      }
      #expect(try ConsoleClient(path).text("help") != "")
    }
  }

  @Test func clientsAreServedSideBySideUpToALimit() throws {
    var limits = ConsoleLimits()
    limits.clients = 2
    try withConsole(limits) { path in
      let first = try ConsoleClient(path)
      let second = try ConsoleClient(path)
      #expect(try first.text("help") == second.text("help"))
      let third = BufferedReader(try UnixStream.connect(to: .unix(path: path)))
      #expect(try third.readLine()?.contains("2 clients are attached already") == true)
      first.stream.close()
      #expect(try second.text("help") != "")
      #expect(try ConsoleClient(path).text("help") != "")
    }
  }

  @Test func tooManyFibersAreNotListedOneByOne() throws {
    var limits = ConsoleLimits()
    limits.fibers = 10
    try withConsole(limits, fibers: 20) { path in
      let client = try ConsoleClient(path)
      #expect(try client.error("dump json").contains("too many to list one by one") == true)
      #expect(try client.text("dump").contains("20 fibers spawned at") == true)
    }
  }
}
