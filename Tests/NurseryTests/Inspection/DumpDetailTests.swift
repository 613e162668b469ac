import Foundation
import Nursery
import TestSupport
import Testing

/// What a dump says beside the waits: where a descriptor leads, and the fiber-locals that are to be shown.
struct DumpDetailTests {
  // MARK: Descriptors

  /// A dump, once fibers with all these names wait.
  private func dump(whenWaiting names: [String]) throws -> FiberDump {
    let scheduler = Scheduler.current!
    while true {
      let dump = try blocking { scheduler.dump() }
      let waiting = dump.entries.filter { $0.state == .waiting }.map(\.label)
      if names.allSatisfy({ waiting.contains("fiber \"\($0)\"") }) { return dump }
      try sleep(for: .milliseconds(1))
    }
  }

  private func target(_ name: String, _ dump: FiberDump) throws -> String? {
    try #require(dump.entries.first { $0.label == "fiber \"\(name)\"" }).waits.first?.target
  }

  @Test func aWaitForASocketShowsItsAddressAndItsPeers() throws {
    try withDirectory { directory in
      try runFibers {
        try withNursery { nursery in
          let listener = try TCPListener(port: 0)
          let client = try TCPStream.connect(host: "127.0.0.1", port: listener.port)
          let server = try listener.accept()
          nursery.goAsync("accepts") { _ = try listener.accept() }
          nursery.goAsync("client") { _ = try client.read(upTo: 1) }
          nursery.goAsync("server") { _ = try server.read(upTo: 1) }
          let path = "\(directory)/socket"
          let unixListener = try UnixListener(path: path)
          let unixClient = try UnixStream.connect(to: .unix(path: path))
          let unixServer = try unixListener.accept()
          nursery.goAsync("unix client") { _ = try unixClient.read(upTo: 1) }
          nursery.goAsync("unix server") { _ = try unixServer.read(upTo: 1) }
          let pair = try UnixStream.pair()
          nursery.goAsync("pair") { _ = try pair.0.read(upTo: 1) }
          let names = ["accepts", "client", "server", "unix client", "unix server", "pair"]
          let dump = try dump(whenWaiting: names)
          let wanted: [String?] = [
            "\(listener.address)", "\(client.localAddress) to \(client.remoteAddress)",
            "\(client.remoteAddress) to \(client.localAddress)", "to \(path)", path, "an unnamed socket",
          ]
          expectEqual(try names.map { try target($0, dump) }, wanted)
          #expect(dump.description.contains(": \(client.localAddress) to \(client.remoteAddress))"))
          #expect(dump.json.contains("\"target\":\"\(client.localAddress) to \(client.remoteAddress)\""))
          withExtendedLifetime(pair.1) {}
          nursery.cancel()
        }
      }
    }
  }

  #if os(Linux)
    @Test func aWaitForAPipeShowsItsName() throws {
      try withDirectory { directory in
        try runFibers {
          try withNursery { nursery in
            let pipe = try PipeStream.pair()
            nursery.goAsync("writes") { try pipe.writer.writeAll([UInt8](repeating: 0, count: 1 << 20)) }
            // The ends of one pipe are blocked in turn only.
            expectEqual(try target("writes", dump(whenWaiting: ["writes"]))?.hasPrefix("pipe:["), true)
            nursery.cancel()
            withExtendedLifetime(pipe) {}
          }
        }
      }
    }
  #endif

  @Test func theTargetOfADescriptorThatIsClosedMeanwhileIsUnknownOrAnothers() throws {
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        for _ in 0..<4 {
          nursery.goAsync {
            while true {
              try Fiber.checkCancellation()
              let pair = try UnixStream.pair()
              nursery.goAsync { _ = try? pair.0.read(upTo: 1) }
              Fiber.yield()
              pair.0.close()
              pair.1.close()
            }
          }
        }
        for _ in 0..<50 { _ = try blocking { FiberDump.all().json } }
        nursery.cancel()
      }
    }
  }

  // MARK: Fiber-locals

  private static let request = FiberLocal("-", shownAs: "request")
  private static let user = FiberLocal(0, inheritance: .reset, shownAs: "user")
  private static let span = FiberLocal("", inheritance: .derived { $0 + ">" }, shownAs: "span")
  private static let secret = FiberLocal("-")

  /// A dump when every other fiber is parked.
  private func dump(_ body: (Nursery) throws -> Void) throws -> FiberDump {
    try runFibers(.deterministic(seed: 1)) {
      try withNursery { nursery in
        try body(nursery)
        waitUntilAllParked()
        let dump = FiberDump.current()
        nursery.cancel()
        return dump
      }
    }
  }

  private func locals(_ name: String, _ dump: FiberDump) throws -> [String] {
    let entry = try #require(dump.entries.first { $0.label == "fiber \"\(name)\"" })
    return entry.locals.map { "\($0.name) \($0.value)" }
  }

  @Test func fiberLocalsThatAreToBeShownAreListedAndOthersAreNot() throws {
    let dump = try dump { nursery in
      Self.request.withValue("r-1") {
        Self.secret.withValue("hidden") {
          nursery.goAsync("inherits") { try Op<Void>.never.perform() }
          nursery.goAsync("binds") {
            try Self.user.withValue(7) { try Self.request.withValue("r-2") { try Op<Void>.never.perform() } }
          }
        }
      }
      nursery.goAsync("none") { try Op<Void>.never.perform() }
    }
    #expect(try locals("inherits", dump) == ["request r-1"])
    #expect(try locals("binds", dump) == ["user 7", "request r-2"])
    #expect(try locals("none", dump) == [])
    let lines = dump.description.split(separator: "\n")
    #expect(lines.contains { $0.contains("\"binds\"") && $0.hasSuffix("ever happens; user 7; request r-2") })
    #expect(!dump.description.contains("hidden"))
    #expect(dump.json.contains("\"locals\":[{\"name\":\"request\",\"value\":\"r-1\"}]"))
    let entry = try #require(dump.entries.first { $0.label == "fiber \"binds\"" })
    #expect(dump.explain(entry).description.hasSuffix("; user 7; request r-2"))
  }

  @Test func whatAChildIsGivenIsShownAsItsOwn() throws {
    let dump = try dump { nursery in
      Self.request.withValue("r-1") {
        Self.user.withValue(7) {
          Self.span.withValue("root") { nursery.goAsync("child") { try Op<Void>.never.perform() } }
        }
      }
    }
    #expect(try locals("child", dump) == ["request r-1", "span root>"])
  }

  @Test func aFiberThatWaitsInsideAGeneratorShowsWhatTheGeneratorHasBound() throws {
    let dump = try dump { nursery in
      nursery.goAsync("consumer") {
        let numbers = Generator<Int> { yielder in
          try Self.request.withValue("generator's") {
            try yielder.yield(1)
            try Op<Void>.never.perform()
          }
        }
        Self.user.withValue(7) { for _ in numbers {} }
      }
    }
    #expect(try locals("consumer", dump) == ["user 7", "request generator's"])
  }

  @Test func aDumpRunsNoCodeOfAShownValue() throws {
    struct Chatty: CustomStringConvertible {
      let asked: Counter
      var description: String { "asked \(asked.add())" }
    }
    let asked = Counter()
    let chatty = FiberLocal(Chatty(asked: asked), shownAs: "chatty")
    let dump = try dump { nursery in
      chatty.withValue(Chatty(asked: asked)) {
        for name in ["one", "two"] { nursery.goAsync(name) { try Op<Void>.never.perform() } }
      }
      #expect(asked.value == 1)
    }
    #expect(try locals("two", dump) == ["chatty asked 1"])
    #expect(dump.description.contains("chatty asked 1"))
    #expect(asked.value == 1)
  }

  @Test func ofManyFibersOnlyTheLocalsThatTheyHaveInCommonAreShown() throws {
    let dump = try dump { nursery in
      Self.user.withValue(7) {
        for number in 0..<100 {
          nursery.goAsync { try Self.request.withValue("r-\(number)") { try Op<Void>.never.perform() } }
        }
      }
      Self.request.withValue("r-all") { for _ in 0..<200 { nursery.goAsync { try Op<Void>.never.perform() } } }
    }
    let lines = dump.description.split(separator: "\n")
    #expect(lines.contains { $0.contains("100 fibers spawned at") && $0.hasSuffix("ever happens") })
    #expect(lines.contains { $0.contains("200 fibers spawned at") && $0.hasSuffix("ever happens; request r-all") })
    #expect(lines.count < 8)
  }

  @Test func aLongOrManyLinedValueIsShownInOneShortLine() throws {
    let dump = try dump { nursery in
      Self.request.withValue(String(repeating: "x", count: 10_000)) {
        nursery.goAsync("long") { try Op<Void>.never.perform() }
      }
      Self.request.withValue("one\ntwo") { nursery.goAsync("lines") { try Op<Void>.never.perform() } }
    }
    #expect(try locals("long", dump) == ["request \(String(repeating: "x", count: 100))..."])
    #expect(try locals("lines", dump) == ["request one\ntwo"])
    #expect(dump.description.contains("; request \"one\\ntwo\"\n"))
    #expect(dump.description.utf8.count < 2000)
  }
}
