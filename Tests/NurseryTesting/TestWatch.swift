import Nursery

/// A thread that watches the time of all tests that have a limit; there is one while there is such a test.
///
/// No task: a test that hangs may block every thread of Swift's pool.
final class TestWatch: Sendable {
  static let shared = TestWatch()

  private struct State {
    var limits: [TimeLimit] = []
    var hasThread = false
  }

  private let state = Protected(State())
  /// Tells the thread of a limit that may be due sooner than what it waits for, and that there is none left.
  private let changes = Channel<Void>(.newest(1))

  func add(_ limit: TimeLimit) {
    let hasThread = state.withLock { state in
      state.limits.append(limit)
      defer { state.hasThread = true }
      return state.hasThread
    }
    if hasThread {
      _ = try? changes.trySend(())
    } else {
      startThread()
    }
  }

  func remove(_ limit: TimeLimit) {
    let isEmpty = state.withLock { state in
      state.limits.removeAll { $0 === limit }
      return state.limits.isEmpty
    }
    if isEmpty { _ = try? changes.trySend(()) }
  }

  /// Without a thread the tests go on unwatched, until the next one is added.
  private func startThread() {
    do {
      let thread = try System.startThread("test-watch", Unmanaged.passUnretained(self).toOpaque()) { watch in
        Unmanaged<TestWatch>.fromOpaque(watch!).takeUnretainedValue().run()
        return nil
      }
      System.detachThread(thread)
    } catch {
      state.withLock { $0.hasThread = false }
    }
  }

  private func run() {
    while let limit = next() {
      let rest = FiberClock.now.duration(to: limit.due)
      if rest <= .zero {
        limit.expire()
      } else {
        _ = try? changes.receiveOp().orTimeout(after: rest).perform()
      }
    }
  }

  private func next() -> TimeLimit? {
    state.withLock { state in
      let next = state.limits.min { $0.due < $1.due }
      if next == nil { state.hasThread = false }
      return next
    }
  }
}
