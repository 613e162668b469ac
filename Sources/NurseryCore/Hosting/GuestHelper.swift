import CSwitch
import Synchronization

/// The thread that sleeps for a guest's worker.
///
/// It is started by the first order, and takes one order after the other:
///
///     order (hasOrder = true, then wake)  --->  take it, sleep, tell the guest  --->  (prepare, then look) sleep till the next
///
/// The order is written before `hasOrder`, and the word is prepared before the look: the later of the two completes the
/// other.
final class GuestHelper: @unchecked Sendable {
  /// What a worker would sleep in, and how long.
  struct Sleep {
    let word: UnsafeMutablePointer<SleepWord>
    /// Taken as its poller.
    let reactor: Reactor?
    let nanoseconds: Int64

    /// - Returns: the number of events found.
    func perform() -> Int {
      if let reactor { return word.wait(in: reactor, nanoseconds: nanoseconds) }
      word.wait(nanoseconds: nanoseconds)
      return 0
    }
  }

  private let word = UnsafeMutablePointer.new(SleepWord())
  private let hasOrder = Atomic<Bool>(false)
  private let isEnding = Atomic<Bool>(false)
  private var sleep: Sleep?
  private var guest: Guest?
  private var isStarted = false

  deinit { word.destroy() }

  /// Sleeps for a guest, and tells it; on the calling thread if there can be no other.
  func order(_ sleep: Sleep, for guest: Guest) {
    self.sleep = sleep
    self.guest = guest
    hasOrder.store(true, ordering: .sequentiallyConsistent)
    if !isStarted {
      isStarted = true
      start()
    }
    word.wake()
  }

  private func start() {
    let retained = Unmanaged.passRetained(self)
    do {
      System.detachThread(
        try System.startThread("guest-sleeper", retained.toOpaque()) { argument in
          _ = cs_timers_sharpen()
          Unmanaged<GuestHelper>.fromOpaque(argument!).takeRetainedValue().run()
          return nil
        })
    } catch {
      isStarted = false
      retained.takeRetainedValue().takeOrder()
    }
  }

  private func run() {
    while !isEnding.load(ordering: .sequentiallyConsistent) {
      word.pointee.prepare()
      let isIdle = !hasOrder.load(ordering: .sequentiallyConsistent)
      if isIdle, !isEnding.load(ordering: .sequentiallyConsistent) { word.wait(nanoseconds: -1) }
      word.pointee.rise()
      if hasOrder.load(ordering: .sequentiallyConsistent) { takeOrder() }
    }
  }

  private func takeOrder() {
    hasOrder.store(false, ordering: .sequentiallyConsistent)
    let guest = guest.take()!
    guest.noteSlept(found: sleep!.perform())
  }

  /// Ends the sleep that has been ordered.
  func wakeSleeper() { sleep?.word.wake() }

  /// Ends the thread when it has nothing to do.
  func end() {
    isEnding.store(true, ordering: .sequentiallyConsistent)
    word.wake()
  }
}
