import MemcachedServer
import Nursery
import TestSupport
import Testing

@Suite struct MemcachedValueTests {
  private func value(_ count: Int) -> String { String(repeating: "v", count: count) }

  @Test func aValueOfAMebibyteIsStored() throws {
    try runFibers(.virtual()) {
      let value = value(1 << 20)
      for chunk in [1460, 1 << 30] {
        expectEqual(
          try Server().answers(to: "set a 0 0 \(value.utf8.count)\r\n\(value)\r\nget a\r\n", chunks: [chunk]),
          "STORED\r\nVALUE a 0 \(value.utf8.count)\r\n\(value)\r\nEND\r\n")
      }
    }
  }

  @Test(arguments: ["set", "add", "replace", "append", "prepend"])
  func aLargerOneIsRefusedAndPassedOver(verb: String) throws {
    try runFibers(.virtual()) {
      let value = value(1 << 20 + 1)
      expectEqual(
        try Server().answers(to: "\(verb) a 0 0 \(value.utf8.count)\r\n\(value)\r\nversion\r\n", chunks: [10_000]),
        "SERVER_ERROR object too large for cache\r\nVERSION 1.5.3\r\n")
    }
  }

  @Test func aRefusedSetRemovesTheOldValue() throws {
    try runFibers(.virtual()) {
      let server = server { $0.valueLimit = 2000 }
      expectEqual(
        try server.answers(to: "set a 0 0 1\r\nx\r\nset a 0 0 2001\r\n\(value(2001))\r\nget a\r\n"),
        "STORED\r\nSERVER_ERROR object too large for cache\r\nEND\r\n")
    }
  }

  @Test func appendingBeyondTheLimitLeavesTheValueAsItWas() throws {
    try runFibers(.virtual()) {
      let server = server { $0.valueLimit = 2000 }
      expectEqual(
        try server.answers(to: "set a 0 0 2000\r\n\(value(2000))\r\nappend a 0 0 1\r\nx\r\nget a\r\n"),
        "STORED\r\nSERVER_ERROR object too large for cache\r\nVALUE a 0 2000\r\n\(value(2000))\r\nEND\r\n")
    }
  }

  @Test func aValueThatDoesNotFitIntoMemoryIsRefusedAndAppendingItLeavesTheOldValue() throws {
    try runFibers(.virtual()) {
      let server = server { $0.memoryLimit = 1000 }
      expectEqual(
        try server.answers(
          to: "set a 0 0 500\r\n\(value(500))\r\nappend a 0 0 400\r\n\(value(400))\r\nget a\r\n"),
        "STORED\r\nSERVER_ERROR object too large for cache\r\nVALUE a 0 500\r\n\(value(500))\r\nEND\r\n")
      // The line alone is refused: a value that does not fit is not read first.
      expectEqual(
        try server.answers(to: "set b 0 0 1000\r\n"), "SERVER_ERROR object too large for cache\r\n")
      #expect(try server.answers(to: "stats settings\r\n").contains("STAT item_size_max 548\r\n"))
    }
  }

  @Test func memoryIsBoundedAndTheLeastUsedIsForgotten() throws {
    try runFibers(.virtual()) {
      let server = server { $0.memoryLimit = 100_000 }
      for number in 0..<1000 {
        expectEqual(try server.answers(to: "set k\(number) 0 0 800\r\n\(value(800))\r\n"), "STORED\r\n")
        // Used all the time, so it is never the least recently used item.
        expectEqual(try server.answers(to: "get k0\r\n").hasSuffix("v\r\nEND\r\n"), true)
      }
      let count = server.cache.withLock { $0.count }
      #expect((90...99).contains(count))
      expectEqual(try server.answers(to: "get k1 k900\r\n"), "END\r\n")
      expectEqual(try server.answers(to: "get k999\r\n").hasPrefix("VALUE k999 0 800"), true)
      let statistics = try server.answers(to: "stats\r\n")
      #expect(statistics.contains("STAT evictions \(1000 - count)\r\n"))
      #expect(statistics.contains("STAT curr_items \(count)\r\n"))
    }
  }

  @Test func aClientThatNeverReadsKeepsOneValueAliveAndDelaysNoOther() throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let server = Server()
        expectEqual(try server.answers(to: "set a 0 0 100000\r\n\(value(100_000))\r\n"), "STORED\r\n")
        let (up, down) = (MemoryPipe(), MemoryPipe(capacity: 100))
        let deaf = nursery.goAsync { try server.serve(up.reader, down.writer) }
        for _ in 0..<100 { try up.writer.writeAll("get a a a a a a a a a a\r\n") }
        waitUntilAllParked()
        expectEqual(try server.answers(to: "delete a\r\nget a\r\n"), "DELETED\r\nEND\r\n")
        deaf.cancel()
      }
    }
  }

  @Test func statisticsCountWhatHasHappened() throws {
    try runFibers(.virtual()) {
      let server = Server()
      let script = """
        set a 0 0 1\r\nx\r\nget a b\r\nget a\r\ntouch a 0\r\ntouch b 0\r\ngat 0 a\r\ndelete a\r\ndelete a\r
        incr n 1\r\nset n 0 0 1\r\n1\r\nincr n 1\r\ndecr n 1\r\ndecr m 1\r
        cas x 0 0 1 1\r\nx\r\ncas n 0 0 1 1\r\nx\r\ngets n\r\ncas n 0 0 1 4\r\nx\r\nflush_all\r\n
        """
      _ = try server.answers(to: script)
      let lines = try server.answers(to: "stats\r\n").split(separator: "\r\n").map(String.init)
      for line in [
        "cmd_get 5", "get_hits 4", "get_misses 1", "cmd_set 5", "cmd_touch 3", "touch_hits 2", "touch_misses 1",
        "delete_hits 1", "delete_misses 1", "incr_hits 1", "incr_misses 1", "decr_hits 1", "decr_misses 1",
        "cas_hits 1", "cas_misses 1", "cas_badval 1", "cmd_flush 1", "curr_items 0", "bytes 0", "curr_connections 1",
        "total_connections 2", "uptime 0",
      ] {
        #expect(lines.contains("STAT \(line)"))
      }
      #expect(lines.last == "END")
    }
  }
}
