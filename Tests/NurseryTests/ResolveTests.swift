import Testing

@testable import Nursery

@Suite struct ResolveTests {
  @Test func numbersAreAnsweredAtOnce() throws {
    try virtually {
      expectEqual(try resolveOp(host: "127.0.0.1").poll(), [.loopback])
      expectEqual(try resolveOp(host: "::1").poll(), [.loopbackV6])
    }
  }

  @Test func namesAreLookedUp() throws {
    let addresses = try virtually { try resolve(host: "localhost") }
    #expect(addresses.contains(.loopback) || addresses.contains(.loopbackV6))
    #expect(Set(addresses).count == addresses.count)
  }

  @Test(arguments: ["", "a\0b", "no-such-host.invalid", String(repeating: "x", count: 1000)])
  func aTextThatIsNoHostIsAnError(host: String) throws {
    try virtually {
      let error = expectThrows(ResolveError.self) { try resolve(host: host) }
      expectEqual(error?.host, host)
      expectEqual(error?.description.hasPrefix("could not find the host \"\(host)\": "), true)
      expectEqual(error?.reason.isEmpty, false)
    }
  }
}
