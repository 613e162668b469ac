import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A pipe that is closed with the last reference to it.
final class Conduit: Sendable {
  let reader: Int32
  let writer: Int32

  init() {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0, "no pipe")
    (reader, writer) = (ends[0], ends[1])
    for end in ends { precondition(fcntl(end, F_SETFL, O_NONBLOCK) == 0, "cannot be made nonblocking") }
  }

  deinit {
    close(reader)
    close(writer)
  }

  func put() { precondition(write(writer, [1], 1) == 1, "nothing written") }

  func fill() {
    let page = [UInt8](repeating: 0, count: 4096)
    while write(writer, page, page.count) > 0 {}
  }

  func drain() {
    var page = [UInt8](repeating: 0, count: 4096)
    while read(reader, &page, page.count) > 0 {}
  }
}

extension Specimens {
  static let descriptors: [any AnySpecimen] = [
    Specimen("readableOp", .usual.union([.isExternal, .lacksVerb])) { _ in
      let conduit = Conduit()
      return Fixture(op: readableOp(conduit.reader), other: (), makeReady: { conduit.put() })
    },
    Specimen("writableOp", .usual.union([.isExternal, .lacksVerb])) { _ in
      let conduit = Conduit()
      conduit.fill()
      return Fixture(op: writableOp(conduit.writer), other: (), makeReady: { conduit.drain() })
    },
    Specimen("readableOp of no descriptor", [.readiesBefore, .isExternal, .lacksVerb], outcome: .failed("SystemError"))
    { _ in
      Fixture(op: readableOp(999_999), other: ())
    },
  ]
}
