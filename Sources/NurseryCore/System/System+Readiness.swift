import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin  // not yet verified
#endif

/// The directions in which a descriptor is known to be ready.
@usableFromInline
package struct Interest: OptionSet, Sendable {
  @usableFromInline package let rawValue: UInt32

  @inlinable
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// For calls that never have to wait.
  @inlinable package static var none: Interest { [] }
  @inlinable package static var readable: Interest { Interest(rawValue: 1) }
  @inlinable package static var writable: Interest { Interest(rawValue: 2) }
  /// A hang-up or an error, which readers and writers are to be told.
  @inlinable package static var broken: Interest { Interest(rawValue: 4) }
  /// The other side sends no more, or something lies out of band: a short read does not mean that there is no more.
  @inlinable package static var ended: Interest { Interest(rawValue: 8) }
}

extension System {
  package static let badDescriptor = EBADF
  package static let notPermitted = EPERM
  package static let wouldBlock = EAGAIN
  package static let exists = EEXIST
  package static let noEntry = ENOENT

  /// Positive if the descriptor is ready, zero if not, -errno if it cannot be asked.
  package static func pollNow(_ descriptor: Int32, _ interest: Interest) -> Int32 {
    cs_poll_now(descriptor, interest.rawValue)
  }

  static func poll(_ polled: UnsafeMutableBufferPointer<cs_polled>, nanoseconds: Int64) -> Int32 {
    cs_poll(polled.baseAddress!, Int32(polled.count), nanoseconds)
  }

  /// Blocks the thread until there is something to read.
  static func waitUntilReadable(_ descriptor: Int32) {
    var polled = cs_polled(fd: descriptor, events: Int16(POLLIN), ready: 0)
    while cs_poll(&polled, 1, -1) == 0 {}
  }

  static func makeEpoll() -> Int32 { cs_epoll_create() }

  static func epollAdd(_ epoll: Int32, _ descriptor: Int32, _ interest: Interest, token: UInt64) -> Int32 {
    cs_epoll_add(epoll, descriptor, interest.rawValue, token)
  }

  static func epollModify(_ epoll: Int32, _ descriptor: Int32, _ interest: Interest, token: UInt64) -> Int32 {
    cs_epoll_modify(epoll, descriptor, interest.rawValue, token)
  }

  static func epollRemove(_ epoll: Int32, _ descriptor: Int32) { _ = cs_epoll_remove(epoll, descriptor) }

  /// The number of events, or -errno.
  static func epollWait(
    _ epoll: Int32, _ events: UnsafeMutableBufferPointer<cs_ready>, nanoseconds: Int64
  ) -> Int32 {
    cs_epoll_wait(epoll, events.baseAddress!, Int32(events.count), nanoseconds)
  }

  // MARK: Bells: descriptors that one thread makes readable to wake another

  static func makeBell() -> Int32 { cs_eventfd() }
  static func ring(_ bell: Int32) { _ = cs_eventfd_signal(bell) }
  static func silence(_ bell: Int32) { _ = cs_eventfd_clear(bell) }

  package static func close(_ descriptor: Int32) { _ = cs_close(descriptor) }
}
