import CSwitch

/// poll(2): portable, and slow with many descriptors; the specimen for other backends, and a check on the first.
///
/// It reports states. So that an unchanged state is not reported over and over, a reported descriptor is left out until
/// a fiber is about to wait for it again (`expect`).
final class PollBackend: ReactorBackend, @unchecked Sendable {
  private struct Entry {
    var token: UInt64
    var interest: Interest
  }

  let bell: Int32
  private let lock = SpinLock(.backend)
  @exclusivity(unchecked) private var entries: [Int32: Entry] = [:]
  /// Whether a thread may be waiting for less than what is wanted now.
  @exclusivity(unchecked) private var isWaiting = false

  init() throws(SystemError) {
    bell = try checked("make an eventfd", System.makeBell())
  }

  deinit { System.close(bell) }

  func add(_ descriptor: Int32, token: UInt64) -> Int32 {
    if renew(descriptor, token: token) == 1 { return -System.exists }
    return 0
  }

  func renew(_ descriptor: Int32, token: UInt64) -> Int32 {
    let status = System.pollNow(descriptor, [])
    if status < 0 { return status }
    return change { entries.updateValue(Entry(token: token, interest: [.readable, .writable]), forKey: descriptor) }
      == nil
      ? 0 : 1
  }

  func remove(_ descriptor: Int32) { change { entries[descriptor] = nil } }

  var reportsChanges: Bool { false }

  func expect(_ descriptor: Int32, _ interest: Interest) {
    change { _ = entries[descriptor]?.interest.formUnion(interest) }
  }

  private func change<Result>(_ body: () -> Result) -> Result {
    let (result, isWaiting) = lock.withLock { (body(), self.isWaiting) }
    if isWaiting { System.ring(bell) }
    return result
  }

  func wait(_ events: UnsafeMutableBufferPointer<cs_ready>, nanoseconds: Int64) -> Int {
    var polled = [cs_polled(fd: bell, events: Int16(Interest.readable.rawValue), ready: 0)]
    lock.withLock {
      for (descriptor, entry) in entries where !entry.interest.isEmpty {
        polled.append(cs_polled(fd: descriptor, events: Int16(entry.interest.rawValue), ready: 0))
      }
      isWaiting = true
    }
    let found = polled.withUnsafeMutableBufferPointer { System.poll($0, nanoseconds: nanoseconds) }
    lock.lock()
    defer { lock.unlock() }
    isWaiting = false
    guard found > 0 else { return 0 }
    var count = 0
    for one in polled where one.ready != 0 && count < events.count {
      let ready = Interest(rawValue: UInt32(one.ready))
      if one.fd == bell {
        System.silence(bell)
        events[count] = cs_ready(token: Reactor.bellToken, ready: ready.rawValue)
      } else if let entry = entries[one.fd] {
        // It does not distinguish the end from available bytes, so a short read proves nothing.
        events[count] = cs_ready(token: entry.token, ready: ready.union(.ended).rawValue)
        entries[one.fd]!.interest.subtract(ready.contains(.broken) ? [.readable, .writable] : ready)
      } else {
        continue
      }
      count += 1
    }
    return count
  }
}
