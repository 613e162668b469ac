import Nursery
import Synchronization

/// Brings each reply to the fiber or thread that waits for its number.
final class Replies<Reply: Sendable>: Sendable {
  /// While the lock is free, a number has a stored reply, or waiters, or neither; never both.
  private struct State {
    var stored: [Int: Reply] = [:]
    var waiters: [Int: [Waiter<Reply>]] = [:]

    mutating func nextWaiter(_ number: Int) -> Waiter<Reply>? {
      guard let waiter = waiters[number]?.removeFirst() else { return nil }
      if waiters[number]?.isEmpty == true { waiters[number] = nil }
      return waiter
    }
  }

  private struct Receive: BaseOperation {
    let replies: Replies
    let number: Int

    func poll() -> Reply? { replies.state.withLock { $0.stored.removeValue(forKey: number) } }

    func enlist(_ waiter: Waiter<Reply>) {
      let given = replies.state.withLock { state -> Reply? in
        guard let reply = state.stored[number] else {
          state.waiters[number, default: []].append(waiter)
          return nil
        }
        // The reply has come since the poll.
        return waiter.commit(reply) ? state.stored.removeValue(forKey: number) : nil
      }
      withExtendedLifetime(given) {}  // it may end here, after the lock
    }

    func withdraw(_ waiter: Waiter<Reply>) {
      replies.state.withLock { state in
        state.waiters[number]?.removeAll { $0 == waiter }
        if state.waiters[number]?.isEmpty == true { state.waiters[number] = nil }
      }
    }

    var waitDescription: String { "reply \(number)" }
  }

  private let state = Mutex(State())

  /// The operation that takes the reply with this number.
  func receiveOp(_ number: Int) -> Op<Reply> { Op(base: Receive(replies: self, number: number)) }

  /// Gives a reply to the first waiter for its number, or stores it; false if one is stored already.
  ///
  /// Never waits. Any thread may call it, a callback of a C library included.
  @discardableResult
  func deliver(_ reply: Reply, _ number: Int) -> Bool {
    state.withLock { state in
      while let waiter = state.nextWaiter(number) {
        if waiter.commit(reply) { return true }  // if not, its perform has ended, and the reply is still ours
      }
      guard state.stored[number] == nil else { return false }
      state.stored[number] = reply
      return true
    }
  }

  /// How many replies are stored, and how many waiters there are.
  var counts: (stored: Int, waiting: Int) {
    state.withLock { ($0.stored.count, $0.waiters.values.reduce(0) { $0 + $1.count }) }
  }

  /// Drops the stored replies.
  func dropStored() {
    let dropped = state.withLock { state in
      defer { state.stored = [:] }
      return state.stored
    }
    withExtendedLifetime(dropped) {}  // the replies end here, after the lock
  }
}
