import MemcachedServer
import Nursery
import TestSupport
import Testing

@testable import MemcachedClient

@Suite struct MemcachedClientTests {
  /// A client and a server connected by a pipe, in virtual time.
  private func withClient(
    capacity: Int = 65_536, _ server: Server = Server(), _ body: (MemcachedClient) throws -> Void
  ) throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let (up, down) = (MemoryPipe(capacity: capacity), MemoryPipe(capacity: capacity))
        nursery.goAsync {
          try server.serve(up.reader, down.writer)
          down.writer.close()
        }
        try body(MemcachedClient(reading: down.reader, writing: up.writer, in: nursery))
        up.writer.close()
      }
    }
  }

  @Test(arguments: ["incr", "decr"]) func theCommandLineRefusesANumberThatHasNoNegative(verb: String) throws {
    try withClient { client in
      let command = try CommandLineArguments([verb, "n", "\(Int64.min)"])
      expectThrows(UsageError.self) { try command.run(client) }
    }
  }

  @Test(arguments: [1, 65_536]) func itSpeaksTheProtocol(capacity: Int) throws {
    try withClient(capacity: capacity) { client in
      expectEqual(try client.get("a")?.data, nil)
      expectEqual(try client.set("a", [1, 13, 10, 2], flags: 7), true)
      expectEqual(try client.get("a")?.data, [1, 13, 10, 2])
      expectEqual(try client.get("a")?.flags, 7)
      expectEqual(try client.set("a", [3], .add), false)
      expectEqual(try client.set("a", [3], .append), true)
      let values = try client.get(["b", "a"])
      expectEqual(values.map(\.data), [[1, 13, 10, 2, 3]])
      expectEqual(try client.compareAndSet("a", [4], unique: values[0].unique! + 1), false)
      expectEqual(try client.compareAndSet("a", [4], unique: values[0].unique!), true)
      expectEqual(try client.compareAndSet("b", [4], unique: 1), false)
      expectEqual(try client.add(1, to: "n"), nil)
      expectEqual(try client.set("n", Array("41".utf8)), true)
      expectEqual(try client.add(1, to: "n"), 42)
      expectEqual(try client.add(-50, to: "n"), 0)
      expectEqual(try client.touch("n", expiry: 10), true)
      expectEqual(try client.delete("n"), true)
      expectEqual(try client.delete("n"), false)
      expectEqual(try client.version(), "1.5.3")
      expectEqual(try client.statistics().first { $0.name == "curr_items" }?.value, "1")
      try client.flushAll()
      expectEqual(try client.get("a")?.data, nil)
    }
  }

  @Test func aRefusalIsAnErrorOfThatRequestOnly() throws {
    try withClient(server { $0.valueLimit = 1000 }) { client in
      let error = expectThrows(RefusedError.self) { try client.set("a", [UInt8](repeating: 1, count: 1001)) }
      #expect(error?.line == "SERVER_ERROR object too large for cache")
      expectEqual(try client.get("a")?.data, nil)
    }
  }

  @Test(arguments: ["", "a b", "a\r\nflush_all", String(repeating: "k", count: 251)])
  func aKeyThatWouldBeTakenForSomethingElseIsNotSent(key: String) throws {
    try withClient { client in
      expectThrows(InvalidKeyError.self) { try client.set(key, []) }
      expectThrows(InvalidKeyError.self) { try client.get(["a", key]) }
    }
  }

  @Test(arguments: [10, 65_536]) func manyFibersShareAConnection(capacity: Int) throws {
    try withClient(capacity: capacity) { client in
      try withNursery { nursery in
        for number in 0..<100 {
          nursery.goAsync {
            let data = Array("value \(number)".utf8)
            for _ in 0..<5 {
              expectEqual(try client.set("k\(number)", data), true)
              expectEqual(try client.get("k\(number)")?.data, data)
            }
          }
        }
      }
    }
  }

  @Test(arguments: 1...5) func answersThatNoCallerWaitsForAreDropped(seed: UInt64) throws {
    try runFibers(.deterministic(seed: seed)) {
      try withNursery { nursery in
        let (up, down) = (MemoryPipe(capacity: 7), MemoryPipe(capacity: 7))
        nursery.goAsync(daemon: true) { try serveSlowly(Server(), up.reader, down.writer) }
        let client = MemcachedClient(reading: down.reader, writing: up.writer, in: nursery)
        let outcomes = Log<Bool>()
        try withNursery { callers in
          for number in 0..<50 {
            callers.goAsync {
              let data = Array("value \(number)".utf8)
              var random = Random(seed: seed &* 1000 &+ UInt64(number))
              for _ in 0..<5 {
                let patience = Duration.milliseconds(random.below(100))
                let value = try withTimeoutOrNil(patience) { () -> Value? in
                  try client.set("k\(number)", data)
                  return try client.get("k\(number)")
                }
                // Every caller that gets an answer gets its own.
                if let value { expectEqual(value?.data, data) }
                outcomes.append(value != nil)
              }
            }
          }
        }
        // Both outcomes have happened, and the connection still works.
        #expect(outcomes.entries.contains(true) && outcomes.entries.contains(false))
        expectEqual(try client.version(), "1.5.3")
        client.close()
      }
    }
  }

  @Test func aRequestWhoseCallerHasGoneBeforeItWasWrittenIsNotSent() throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let (up, down) = (MemoryPipe(capacity: 20), MemoryPipe())
        let client = MemcachedClient(reading: down.reader, writing: up.writer, in: nursery)
        // The server does not read, so the first request fills the pipe, and the others stay in the queue or wait for
        // it.
        for number in 0..<200 {
          nursery.goAsync {
            _ = try withTimeoutOrNil(.seconds(1)) {
              try client.set("key\(number)", [UInt8](repeating: 65, count: 10_000))
            }
          }
        }
        try sleep(for: .seconds(2))
        nursery.goAsync { expectEqual(try client.version(), "7") }
        let reader = BufferedReader(up.reader)
        expectEqual(try reader.readLine(), "set key0 0 0 10000")
        expectEqual(try reader.readExactly(10_002).count, 10_002)
        expectEqual(try reader.readLine(), "version")
        try down.writer.writeAll("STORED\r\nVERSION 7\r\n")
      }
    }
  }

  @Test func whenTheConnectionBreaksEachCallerGetsTheError() throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let (up, down) = (MemoryPipe(), MemoryPipe())
        let client = MemcachedClient(reading: down.reader, writing: up.writer, in: nursery)
        let callers = (0..<2000).map { _ in
          nursery.goAsync { () -> String in
            do { return "\(try client.version())" } catch { return "\(error)" }
          }
        }
        waitUntilAllParked()
        try down.writer.writeAll("VERSION 1\r\nVERS")
        waitUntilAllParked()
        down.fail(SystemError(code: 104, action: "read"))
        let answers = try callers.map { try $0.wait() }
        #expect(answers.filter { $0 == "1" }.count == 1)
        #expect(answers.filter { $0.hasPrefix("the connection to the memcached server is closed") }.count == 1999)
        expectThrows(ConnectionLostError.self) { try client.version() }
      }
    }
  }

  @Test(arguments: ["hello\r\n", "VALUE a\r\n", "VALUE a 0 99999999999\r\n", "VALUE a 0 1\r\nxyz", "VALUE a 0 -1\r\n"])
  func nonsenseFromTheServerEndsTheConnection(nonsense: String) throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let (up, down) = (MemoryPipe(), MemoryPipe())
        let client = MemcachedClient(reading: down.reader, writing: up.writer, in: nursery)
        try down.writer.writeAll(nonsense)
        #expect(throws: (any Error).self) { try client.get("a") }
      }
    }
  }

  @Test(arguments: parallelisms) func manyConcurrentCompareAndSetsLoseNoUpdate(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0, limit: 10)
        let server = Server()
        nursery.goAsync(daemon: true) { try server.serve(listener) }
        let clients = try (0..<4).map { _ in
          MemcachedClient(try TCPStream.connect(to: listener.address), in: nursery)
        }
        try clients[0].set("n", Array("0".utf8))
        try withNursery { fibers in
          for number in 0..<40 {
            fibers.goAsync {
              let client = clients[number % 4]
              for _ in 0..<10 {
                while true {
                  let value = try client.get(["n"])[0]
                  let next = Int(String(decoding: value.data, as: UTF8.self))! + 1
                  if try client.compareAndSet("n", Array("\(next)".utf8), unique: value.unique!) { break }
                }
              }
            }
          }
        }
        expectEqual(try clients[0].get("n")?.data, Array("400".utf8))
      }
    }
  }
}

/// A server that takes some milliseconds for a few bytes.
private func serveSlowly(_ server: Server, _ input: any ReadableStream, _ output: any WritableStream) throws {
  try withNursery { nursery in
    let slow = MemoryPipe(capacity: 7)
    nursery.goAsync {
      while true {
        let bytes = try input.read(upTo: 1000)
        if bytes.isEmpty { break }
        try sleep(for: .microseconds(100))
        try slow.writer.writeAll(bytes)
      }
      slow.writer.close()
    }
    try server.serve(slow.reader, output)
  }
}
