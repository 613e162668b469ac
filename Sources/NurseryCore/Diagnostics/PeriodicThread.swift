import Synchronization

/// A thread that does something now and then, for which no fiber waits: it reports, and wakes none.
package final class PeriodicThread: @unchecked Sendable {
  private static let threads = Atomic<Int>(0)

  private let sleep: UnsafeMutablePointer<SleepWord>
  private let period: Int64
  private let body: @Sendable (_ isLast: Bool) -> Bool
  private let isEnding = Atomic<Bool>(false)
  /// Zero once it has been joined.
  private let thread = Atomic<UInt>(0)

  /// For the deadlock detector: these threads wake no fiber.
  static var threadCount: Int { threads.load(ordering: .acquiring) }

  /// Calls `body` once each period until it returns false, and a last time when the thread is to end.
  package init(_ name: String, every period: Duration, _ body: @escaping @Sendable (_ isLast: Bool) -> Bool) throws {
    sleep = .new(SleepWord())
    self.period = period.nanosecondsClamped
    self.body = body
    let argument = Unmanaged.passRetained(self)
    do {
      thread.store(try System.startThread(name, argument.toOpaque(), periodicThread), ordering: .releasing)
      Self.threads.add(1, ordering: .releasing)
    } catch {
      argument.release()
      throw error
    }
  }

  deinit { sleep.destroy() }

  /// Ends the thread and waits for it; blocks the calling thread.
  package func end() {
    let started = thread.exchange(0, ordering: .acquiringAndReleasing)
    if started == 0 { return }
    isEnding.store(true, ordering: .sequentiallyConsistent)
    sleep.wake()
    System.joinThread(started)
    Self.threads.subtract(1, ordering: .releasing)
  }

  fileprivate func run() {
    while true {
      sleep.pointee.prepare()
      // The announcement before the look: `end` does it the other way round.
      if !isEnding.load(ordering: .sequentiallyConsistent) { sleep.wait(nanoseconds: period) }
      sleep.pointee.rise()
      let isLast = isEnding.load(ordering: .sequentiallyConsistent)
      if !body(isLast) || isLast { return }
    }
  }
}

private let periodicThread: System.ThreadBody = { argument in
  Unmanaged<PeriodicThread>.fromOpaque(argument!).takeRetainedValue().run()
  return nil
}
