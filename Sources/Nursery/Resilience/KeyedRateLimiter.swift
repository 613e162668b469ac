/// A rate limiter for each key, such as a client's address, for a bounded number of keys.
///
///     let clients = KeyedRateLimiter<IPAddress>(maximumKeys: 10_000, [.init(10, per: .seconds(1))])
///     guard clients[address].tryAcquire() else { return refuse() }
///
/// Limiters whose buckets are full again are forgotten when room is needed, which makes no difference to their keys. If
/// none is, the one that was asked for least recently goes, and its key begins anew.
public final class KeyedRateLimiter<Key: Hashable & Sendable>: Sendable {
  private struct State {
    var limiters: [Key: (limiter: RateLimiter, lastUse: Int)] = [:]
    var uses = 0
  }

  private let limits: [RateLimiter.Limit]
  private let maximumKeys: Int
  private let state = Protected(State())

  /// - Parameters:
  ///   - maximumKeys: how many limiters are kept, from 1.
  ///   - limits: those of each key.
  public init(maximumKeys: Int, _ limits: [RateLimiter.Limit]) {
    require(maximumKeys >= 1, "KeyedRateLimiter(maximumKeys: \(maximumKeys)): write 1 or more")
    require(!limits.isEmpty, "a KeyedRateLimiter without limits limits nothing; pass one or more")
    self.maximumKeys = maximumKeys
    self.limits = limits
  }

  /// How many limiters are kept now.
  public var count: Int { state.withLock { $0.limiters.count } }

  /// The limiter of a key, made at first use.
  ///
  /// Constant time; proportional to the number of keys when room is needed, which is once in a tenth of that many new
  /// keys.
  public subscript(key: Key) -> RateLimiter {
    state.withLock { state in
      state.uses += 1
      if let known = state.limiters[key]?.limiter {
        state.limiters[key]!.lastUse = state.uses
        return known
      }
      if state.limiters.count >= maximumKeys { makeRoom(&state) }
      let limiter = RateLimiter(limits)
      state.limiters[key] = (limiter, state.uses)
      return limiter
    }
  }

  /// Forgets idle limiters, or if there are few, a tenth of all, the least recently used ones.
  private func makeRoom(_ state: inout State) {
    let goal = max(1, maximumKeys / 10)
    state.limiters = state.limiters.filter { !$0.value.limiter.isIdle }
    let missing = goal - (maximumKeys - state.limiters.count)
    guard missing > 0 else { return }
    for (key, _) in state.limiters.sorted(by: { $0.value.lastUse < $1.value.lastUse }).prefix(missing) {
      state.limiters[key] = nil
    }
  }
}
