import Testing

@testable import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct AcceptorTests {
  @Test func aLoopThatAnErrorEndsReportsIt() throws {
    let reported = Log<SystemError>()
    let configuration = Configuration(
      parallelism: 1, onSuppressedError: { error in if let error = error as? SystemError { reported.append(error) } })
    try runFibers(configuration) {
      let acceptor = try Acceptor(.ip(.loopback, port: 0), backlog: 4, limit: nil, SocketOptions())
      // Accepting is an error from now on.
      expectEqual(shutdown(acceptor.descriptor.number, numericCast(SHUT_RD)), 0)
      let stream = acceptor.next {
        try acceptor.descriptor.op(.readable) { try acceptor.tryAccept { TCPStream($0, remoteAddress: $1, slot: $2) } }
          .perform()
      }
      expectEqual(stream == nil, true)
      expectEqual(
        reported.entries, [SystemError(code: EINVAL, action: "accept a connection on \(acceptor.address)")])
      // Ordinary endings are not.
      expectEqual(acceptor.next { throw CancellationError() } as Int?, nil)
      expectEqual(acceptor.next { throw StreamClosedError(stream: "it") } as Int?, nil)
      expectEqual(reported.entries.count, 1)
    }
  }

  @Test func whatTheNetworkSaysOfOneConnectionIsNotAboutTheListener() {
    // As accept(2) lists them.
    for code in [ECONNABORTED, EPROTO, ENOPROTOOPT, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, EOPNOTSUPP] {
      #expect(System.isOfOneConnection(code))
    }
    for code in [EINVAL, EBADF, EMFILE, EPERM] { #expect(!System.isOfOneConnection(code)) }
  }
}
