import CSwitch

/// epoll(7), edge-triggered: a descriptor is registered once, and waiting for it costs no system call.
final class EpollBackend: ReactorBackend {
  private let epoll: Int32
  let bell: Int32

  init() throws(SystemError) {
    epoll = try checked("make an epoll set", System.makeEpoll())
    bell = System.makeBell()
    guard bell >= 0 else {
      System.close(epoll)
      throw SystemError(code: -bell, action: "make an eventfd")
    }
    // Every ring is a change, so the bell need not be reset.
    let result = System.epollAdd(epoll, bell, .readable, token: Reactor.bellToken)
    guard result == 0 else {
      System.close(bell)
      System.close(epoll)
      throw SystemError(code: -result, action: "watch an eventfd")
    }
  }

  deinit {
    System.close(epoll)
    System.close(bell)
  }

  func add(_ descriptor: Int32, token: UInt64) -> Int32 {
    System.epollAdd(epoll, descriptor, [.readable, .writable], token: token)
  }

  func renew(_ descriptor: Int32, token: UInt64) -> Int32 {
    switch System.epollModify(epoll, descriptor, [.readable, .writable], token: token) {
    case 0: 1
    case -System.noEntry: add(descriptor, token: token)
    case let failure: failure
    }
  }

  func remove(_ descriptor: Int32) { System.epollRemove(epoll, descriptor) }

  var reportsChanges: Bool { true }
  func expect(_ descriptor: Int32, _ interest: Interest) {}

  func wait(_ events: UnsafeMutableBufferPointer<cs_ready>, nanoseconds: Int64) -> Int {
    max(0, Int(System.epollWait(epoll, events, nanoseconds: nanoseconds)))
  }
}
