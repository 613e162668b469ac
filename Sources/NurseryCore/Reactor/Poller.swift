import Synchronization

/// Waits for descriptors on behalf of everybody: one epoll set and one thread for the process, started with the first
/// wait that cannot be answered at once.
///
/// Registrations are edge-triggered and renewed by every new waiter; the kernel then reports readiness that is there already, so
/// nothing that happens between a failed read and the wait is lost. Waiters of one descriptor are all woken; each tries
/// for itself.
final class Poller: @unchecked Sendable {
  /// What became of an offer.
  enum Enlisted {
    case waiting
    /// The descriptor is of a kind that never blocks.
    case alwaysReady
    case refused
  }

  private struct Entry: ~Copyable {
    var readers = WaitQueue()
    var writers = WaitQueue()

    var interest: UInt32 {
      (readers.isEmpty ? 0 : System.readableBit) | (writers.isEmpty ? 0 : System.writableBit)
    }
  }

  /// Nil when the kernel grants no epoll set or no thread.
  static let shared = Poller()

  private static let isRunning = Atomic<Bool>(false)

  private let epoll: Int32
  private let lock = SpinLock()
  @exclusivity(unchecked) private var entries: [Int32: UnsafeMutablePointer<Entry>] = [:]
  /// Offers that have not been withdrawn.
  @exclusivity(unchecked) private var offerCount = 0

  private init?() {
    epoll = System.makeEpoll()
    guard epoll >= 0 else { return nil }
    let argument = Unmanaged.passUnretained(self).toOpaque()
    let thread = try? System.startThread("fibers-poll", argument) { argument in
      Unmanaged<Poller>.fromOpaque(argument!)._withUnsafeGuaranteedRef { $0.run() }
      return nil
    }
    guard let thread else { return nil }
    System.detachThread(thread)
    Self.isRunning.store(true, ordering: .releasing)
  }

  /// How many threads it has.
  static var threadCount: Int { isRunning.load(ordering: .acquiring) ? 1 : 0 }

  /// Whether nobody waits for a descriptor, and nobody who did is still being woken.
  static var isIdle: Bool {
    guard threadCount > 0, let poller = shared else { return true }
    poller.lock.lock()
    defer { poller.lock.unlock() }
    return poller.offerCount == 0
  }

  func enlist(
    _ offer: OfferRef, _ descriptor: Int32, _ interest: Interest, _ attempt: OperationSource.Attempt
  ) -> Enlisted {
    lock.lock()
    defer { lock.unlock() }
    let entry = entry(descriptor)
    switch System.watch(epoll, descriptor, entry.pointee.interest | interest.bits) {
    case 0: break
    case -System.notPermitted: return .alwaysReady
    default: return .refused
    }
    offer.pointee.performer.pointee.worker.pointee.scheduler?._withUnsafeGuaranteedRef { $0.expectOutside() }
    offerCount += 1
    switch interest {
    case .readable: entry.pointee.readers.enlist(offer, attempt)
    case .writable: entry.pointee.writers.enlist(offer, attempt)
    }
    return .waiting
  }

  func withdraw(_ offer: OfferRef, _ descriptor: Int32, _ interest: Interest) {
    lock.lock()
    defer { lock.unlock() }
    guard let entry = entries[descriptor] else { return }
    switch interest {
    case .readable: entry.pointee.readers.remove(offer)
    case .writable: entry.pointee.writers.remove(offer)
    }
    offer.pointee.performer.pointee.worker.pointee.scheduler?._withUnsafeGuaranteedRef { $0.endExpectation() }
    offerCount -= 1
  }

  private func entry(_ descriptor: Int32) -> UnsafeMutablePointer<Entry> {
    if let entry = entries[descriptor] { return entry }
    let entry = UnsafeMutablePointer<Entry>.allocate(capacity: 1)
    entry.initialize(to: Entry())
    entries[descriptor] = entry
    return entry
  }

  /// Whether an event that was reported is still true.
  ///
  /// It may be about an earlier descriptor of this number that was closed meanwhile, or somebody has read what there was.
  private func isReady(_ descriptor: Int32, _ interest: Interest) -> Bool {
    System.pollNow(descriptor, interest.bits) != 0
  }

  /// The thread's life.
  private func run() {
    System.withReadyEvents(epoll) { descriptor, canRead, canWrite in
      lock.lock()
      if let entry = entries[descriptor] {
        if canRead, isReady(descriptor, .readable) { entry.pointee.readers.wakeAll() }
        if canWrite, isReady(descriptor, .writable) { entry.pointee.writers.wakeAll() }
      }
      lock.unlock()
    }
  }
}
