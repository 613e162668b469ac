import MemcachedServer
import Nursery
import TestSupport
import Testing

@Suite struct MemcachedExpiryTests {
  private let found = "VALUE a 0 1\r\nx\r\nEND\r\n"
  private let gone = "END\r\n"

  @Test func aRelativeExpiryIsInSeconds() throws {
    try runFibers(.virtual()) {
      let server = Server()
      expectEqual(try server.answers(to: "set a 0 100 1\r\nx\r\n"), "STORED\r\n")
      try sleep(for: .seconds(100) - .nanoseconds(1))
      expectEqual(try server.answers(to: "get a\r\n"), found)
      try sleep(for: .nanoseconds(1))
      expectEqual(try server.answers(to: "get a\r\nadd a 0 0 1\r\nx\r\n"), gone + "STORED\r\n")
    }
  }

  @Test func zeroIsNever() throws {
    try runFibers(.virtual()) {
      let server = Server()
      expectEqual(try server.answers(to: "set a 0 0 1\r\nx\r\n"), "STORED\r\n")
      try sleep(for: .seconds(3_000_000_000))
      expectEqual(try server.answers(to: "get a\r\n"), found)
    }
  }

  @Test func moreThanThirtyDaysIsAUnixTime() throws {
    try runFibers(.virtual()) {
      let server = Server(clock: ServerClock(unixStart: 1_000_000_000))
      expectEqual(try server.answers(to: "set a 0 1000000010 1\r\nx\r\n"), "STORED\r\n")
      expectEqual(try server.answers(to: "set b 0 999999999 1\r\nx\r\n"), "STORED\r\n")
      expectEqual(try server.answers(to: "set c 0 2592000 1\r\nx\r\n"), "STORED\r\n")
      expectEqual(try server.answers(to: "set d 0 2592001 1\r\nx\r\n"), "STORED\r\n")
      expectEqual(try server.answers(to: "get b d\r\n"), gone)
      try sleep(for: .seconds(9))
      expectEqual(try server.answers(to: "get a\r\n"), found)
      try sleep(for: .seconds(1))
      expectEqual(try server.answers(to: "get a\r\nget c\r\n"), gone + "VALUE c 0 1\r\nx\r\nEND\r\n")
    }
  }

  @Test(arguments: [Int.max, Int.min]) func noExpiryIsTooFarAway(seconds: Int) throws {
    try runFibers(.virtual()) {
      expectEqual(
        try Server().answers(to: "set a 0 \(seconds) 1\r\nx\r\nget a\r\n"), "STORED\r\n" + (seconds > 0 ? found : gone))
    }
  }

  @Test(arguments: ["touch a 50", "gat 50 a"]) func touchingPutsItOff(command: String) throws {
    try runFibers(.virtual()) {
      let server = Server()
      expectEqual(try server.answers(to: "set a 0 10 1\r\nx\r\n"), "STORED\r\n")
      try sleep(for: .seconds(9))
      _ = try server.answers(to: "\(command)\r\n")
      try sleep(for: .seconds(49))
      expectEqual(try server.answers(to: "get a\r\n"), found)
      try sleep(for: .seconds(1))
      expectEqual(try server.answers(to: "get a\r\n"), gone)
    }
  }

  @Test func countingAndAppendingLeaveTheExpiryAsItWas() throws {
    try runFibers(.virtual()) {
      let server = Server()
      expectEqual(
        try server.answers(to: "set a 0 10 1\r\n1\r\nincr a 1\r\nappend a 0 0 1\r\n0\r\n"), "STORED\r\n2\r\nSTORED\r\n")
      try sleep(for: .seconds(9))
      expectEqual(try server.answers(to: "get a\r\n"), "VALUE a 0 2\r\n20\r\nEND\r\n")
      try sleep(for: .seconds(1))
      expectEqual(try server.answers(to: "get a\r\n"), gone)
    }
  }

  @Test func aDelayedFlushTakesWhatWasStoredBeforeItsTime() throws {
    try runFibers(.virtual()) {
      let server = Server()
      expectEqual(try server.answers(to: "set a 0 0 1\r\nx\r\nflush_all 10\r\nget a\r\n"), "STORED\r\nOK\r\n" + found)
      try sleep(for: .seconds(9))
      expectEqual(try server.answers(to: "set b 0 0 1\r\nx\r\nget a\r\n"), "STORED\r\n" + found)
      try sleep(for: .seconds(1))
      expectEqual(try server.answers(to: "set c 0 0 1\r\nx\r\nget a b c\r\n"), "STORED\r\nVALUE c 0 1\r\nx\r\nEND\r\n")
      try sleep(for: .seconds(100))
      expectEqual(try server.answers(to: "get c\r\n"), "VALUE c 0 1\r\nx\r\nEND\r\n")
    }
  }

  @Test func aConnectionThatIsSilentForTooLongIsClosed() throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let server = server { $0.idleTimeout = .seconds(10) }
        let (up, down) = (MemoryPipe(), MemoryPipe())
        let session = nursery.goAsync {
          try server.serve(up.reader, down.writer)
          return FiberClock.now
        }
        let start = FiberClock.now
        for _ in 0..<3 {
          try sleep(for: .seconds(9))
          try up.writer.writeAll("version\r\n")
        }
        expectEqual(try session.wait() - start, .seconds(37))
      }
    }
  }

  @Test func aClientThatSendsALongValueSlowlyIsNotSilent() throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let server = server { $0.idleTimeout = .seconds(10) }
        let (up, down) = (MemoryPipe(), MemoryPipe())
        nursery.goAsync { try server.serve(up.reader, down.writer) }
        try up.writer.writeAll("set a 0 0 5\r\n")
        for byte in "value\r\n".utf8 {
          try sleep(for: .seconds(9))
          try up.writer.writeAll([byte])
        }
        expectEqual(try BufferedReader(down.reader).readLine(), "STORED")
        up.writer.close()
      }
    }
  }
}
