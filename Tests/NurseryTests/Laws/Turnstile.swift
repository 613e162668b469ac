import Nursery

/// A user's primitive: each token lets one waiter through.
final class Turnstile: BaseOperation, Sendable {
  private struct State {
    var tokens = 0
    var passed = 0
    var waiters: [Waiter<Int>] = []
  }

  private let state = Guarded(State())

  var passed: Int { state.withLock { $0.passed } }
  var waiting: Int { state.withLock { $0.waiters.count } }

  func insertToken() {
    state.withLock { state in
      while !state.waiters.isEmpty {
        guard state.waiters.removeFirst().commit(7) else { continue }
        state.passed += 1
        return
      }
      state.tokens += 1
    }
  }

  func poll() -> Int? {
    state.withLock { state in
      guard state.tokens > 0 else { return nil }
      state.tokens -= 1
      state.passed += 1
      return 7
    }
  }

  func enlist(_ waiter: Waiter<Int>) {
    state.withLock { state in
      if state.tokens > 0, waiter.commit(7) {
        state.tokens -= 1
        state.passed += 1
      } else {
        state.waiters.append(waiter)
      }
    }
  }

  func withdraw(_ waiter: Waiter<Int>) {
    state.withLock { $0.waiters.removeAll { $0 == waiter } }
  }
}
