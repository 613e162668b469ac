import CSwitch
import Synchronization

/// A socket that listens: what `TCPListener` and `UnixListener` are made of.
final class Acceptor: Sendable {
  let descriptor: Descriptor
  let address: SocketAddress
  private let limit: Int
  /// Lets one at a time accept under a limit.
  ///
  /// So nobody takes a place before there is a connection for it, and nobody is turned away because of a place that is
  /// only tried, to wait for a signal that never comes.
  private let lock = SpinLock(.object)
  /// Of a listener that has one.
  let isPathRemoved = Atomic<Bool>(false)
  /// How many connections it has accepted that are open; not counted without a limit.
  private let open = Atomic<Int>(0)

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
    descriptor = Descriptor(adopting: number)
  }

  /// A connection, if one waits and the limit allows.
  func tryAccept<Stream>(_ make: (Descriptor, SocketAddress, Slot?) -> Stream) throws -> Stream? {
    var peer = RawAddress()
    let isLimited = limit < .max
    while true {
      switch isLimited ? acceptWithinLimit(&peer) : accept(&peer) {
      case .done(let number):
        return make(Descriptor(adopting: Int32(number)), SocketAddress(peer), isLimited ? Slot(self) : nil)
      case .tooEarly: return nil
      // There may be others behind it.
      case .failed(let code) where System.isOfOneConnection(code): continue
      case .failed(let code): throw SystemError(code: code, action: "accept a connection on \(address)")
      case .closed: throw StreamClosedError(stream: "the listener on \(address)")
      }
    }
  }

  private func accept(_ peer: inout RawAddress) -> Descriptor.Attempt {
    descriptor.attempt(.readable) { Int(System.accept($0, &peer)) }
  }

  /// Too early at the limit, too: whoever closes a connection signals then.
  private func acceptWithinLimit(_ peer: inout RawAddress) -> Descriptor.Attempt {
    lock.lock()
    defer { lock.unlock() }
    guard open.load(ordering: .acquiring) < limit else { return descriptor.isClosed ? .closed : .tooEarly }
    let result = accept(&peer)
    if case .done = result { open.add(1, ordering: .relaxed) }
    return result
  }

  /// One of the connections that a limit allows, counted already; free again when the connection is closed, or has
  /// gone.
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

  /// Accepts until the listener is closed or the scope is cancelled; nil then.
  ///
  /// When there are no descriptors left it waits and tries again, at first after 5 ms, at last every second. It ends
  /// for any other error, too, which the handler of suppressed errors gets.
  func next<Stream>(_ accept: () throws -> Stream) -> Stream? {
    var pause = Duration.milliseconds(5)
    while true {
      do { return try accept() } catch let error as SystemError where System.isExhaustion(error.code) {
        guard (try? sleep(for: pause)) != nil else { return nil }
        pause = min(pause * 2, .seconds(1))
      } catch {
        if !(error is StreamClosedError || error is CancellationError) { Scheduler.reportSuppressed(error) }
        return nil
      }
    }
  }
}

extension SocketOptions {
  fileprivate func reuseAddress(_ descriptor: Int32) throws(SystemError) {
    if !reusesAddress { return }
    try checked("set the socket option reusesAddress", System.setOption(descriptor, CS_REUSE_ADDRESS, 1))
  }
}
