import Synchronization

/// The socket of a listener, and its limit of open connections.
final class Acceptor: Sendable {
  let descriptor: Descriptor
  let address: SocketAddress
  private let limit: Int
  /// Held while a connection is accepted under a limit.
  ///
  /// So a slot is taken only for a connection. No fiber waits because another one holds a slot while it merely polls.
  private let lock = SpinLock(.object)
  /// How many accepted connections are open; not counted without a limit.
  private let open = Atomic<Int>(0)
  /// The file of a Unix listener: its path, absolute because the process may change its directory, and its identity.
  private let file: (path: String, identity: SIMD2<UInt64>)?
  private let isFileRemoved = Atomic<Bool>(false)

  init(
    _ address: SocketAddress, backlog: Int, limit: Int?, _ options: SocketOptions
  ) throws(SystemError) {
    let family = address.family
    let number = try checked("make a socket", System.socket(family, .stream))
    do throws(SystemError) {
      try options.apply(to: number, family, .stream)
      if family != .unix { try options.reuseAddress(number) }
      try checked("listen on \(address)", System.bind(number, try address.checkedRaw()))
      try checked("listen on \(address)", System.listen(number, backlog: backlog))
    } catch {
      System.close(number)
      throw error
    }
    self.limit = limit ?? .max
    self.address = System.localAddress(number).map { SocketAddress($0) } ?? address
    if case .unix(let path) = address, let identity = System.status(at: path)?.identity {
      file = (System.absolutePath(path), identity)
    } else {
      file = nil
    }
    descriptor = Descriptor(adopting: number)
  }

  func close() {
    // While its socket is open, no other file can have this identity.
    if let file, !isFileRemoved.exchange(true, ordering: .relaxed),
      file.identity == System.status(at: file.path)?.identity
    {
      System.unlink(file.path)
    }
    descriptor.close()
  }

  /// Accepts a connection, if one is queued and the limit allows; otherwise returns nil.
  func tryAccept<Stream>(_ make: (Descriptor, SocketAddress, Slot?) -> Stream) throws -> Stream? {
    var peer = RawAddress()
    let isLimited = limit < .max
    while true {
      switch isLimited ? acceptWithinLimit(&peer) : accept(&peer) {
      case .done(let number):
        return make(Descriptor(adopting: Int32(number)), SocketAddress(peer), isLimited ? Slot(self) : nil)
      case .wouldBlock: return nil
      // Other connections may be queued behind it.
      case .failed(let code) where System.isOfOneConnection(code): continue
      case .failed(let code): throw SystemError(code: code, action: "accept a connection on \(address)")
      case .closed: throw StreamClosedError(stream: "the listener on \(address)")
      }
    }
  }

  private func accept(_ peer: inout RawAddress) -> IOResult {
    descriptor.attempt(.readable) { Int(System.accept($0, &peer)) }
  }

  /// At the limit the call would block; closing a connection then signals the waiters.
  private func acceptWithinLimit(_ peer: inout RawAddress) -> IOResult {
    lock.withLock {
      guard open.load(ordering: .acquiring) < limit else { return descriptor.isClosed ? .closed : .wouldBlock }
      let result = accept(&peer)
      if case .done = result { open.add(1, ordering: .relaxed) }
      return result
    }
  }

  /// The share of one connection in the limit; free again when the connection is closed or released.
  final class Slot: Sendable {
    private let acceptor: Acceptor
    private let isFree = Atomic<Bool>(false)

    init(_ acceptor: Acceptor) { self.acceptor = acceptor }

    deinit { free() }

    func free() {
      guard !isFree.exchange(true, ordering: .relaxed) else { return }
      acceptor.open.subtract(1, ordering: .releasing)
      acceptor.descriptor.signal(.readable)
    }
  }
}

extension SocketOptions {
  fileprivate func reuseAddress(_ descriptor: Int32) throws(SystemError) {
    if !reusesAddress { return }
    try checked("set the socket option reusesAddress", System.setOption(descriptor, .reuseAddress, 1))
  }
}
