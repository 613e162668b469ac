/// Admits a number of calls in a period, and holds the others back until their turn: a token bucket.
///
///     let limiter = RateLimiter(100, per: .seconds(1), burst: 20)
///     for request in requests {
///       try limiter.acquire()
///       try send(request)
///     }
///
/// First come, first served. No fiber and no timer run while no call waits: the instant of each admission is computed
/// when the call asks (GCRA, the generic cell rate algorithm, ITU-T I.371). A call that is cancelled, or loses in a
/// choice, gives its permits back; calls that already wait keep their instants. Several limits can hold at once, such
/// as 10 a second and 200 a minute.
///
/// May be shared by fibers of one scheduler, and by plain threads where the clock is not virtual.
public final class RateLimiter: Sendable {
  /// One limit: a number of permits in a period, of which a burst may be taken at once.
  public struct Limit: Sendable, Hashable {
    let interval: Duration
    let burst: Int

    /// - Parameters:
    ///   - permits: how many are earned in a period; less than 1 is a mistake that traps.
    ///   - period: longer than zero.
    ///   - burst: how many may be taken at once after a pause, from 1; `permits` if it is left out.
    public init(_ permits: Int, per period: Duration, burst: Int? = nil) {
      let burst = burst ?? permits
      require(permits >= 1, "a limit of \(permits) permits admits nothing; write 1 or more")
      require(period > .zero, "a limit of \(permits) permits needs a period longer than zero, not \(period)")
      require(burst >= 1, "a burst of \(burst) admits nothing; write 1 or more")
      interval = period / permits
      self.burst = burst
    }
  }

  private let limits: [Limit]
  private let origin = FiberClock.now
  /// For each limit the time since `origin` at which its bucket is full again.
  private let fullAgain: Protected<[Duration]>

  /// Creates a limiter whose buckets are full.
  public init(_ limits: [Limit]) {
    require(!limits.isEmpty, "a RateLimiter without limits limits nothing; pass one or more")
    self.limits = limits
    fullAgain = Protected(Array(repeating: .zero, count: limits.count))
  }

  /// Creates a limiter with one limit, whose bucket is full.
  public convenience init(_ permits: Int, per period: Duration, burst: Int? = nil) {
    self.init([Limit(permits, per: period, burst: burst)])
  }

  /// The most permits that one call can ask for: the smallest burst.
  public var largestWeight: Int { limits.map(\.burst).min()! }

  /// Waits until the call is admitted.
  ///
  /// A cancellation point, also if it need not wait.
  ///
  /// - Parameter weight: how many permits it takes, from 1 to `largestWeight`; another number is a mistake that traps.
  /// - Throws: `CancellationError` if the current scope is cancelled; the permits have been given back then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func acquire(_ weight: Int = 1) throws { try acquireOp(weight).perform() }

  /// The operation that commits when the call is admitted.
  ///
  /// Each perform takes its place among the others when it begins, and gives its permits back if another branch
  /// commits.
  public func acquireOp(_ weight: Int = 1) -> Op<Void> {
    .guarded { [self] in
      let admission = reserve(weight)
      let wait = admission <= FiberClock.now ? Op.always(()) : sleepOp(until: admission)
      return wait.onAbandon { [self] in giveBack(weight) }
    }
  }

  /// Takes the permits if the call is admitted now; whether it was.
  ///
  /// Never waits.
  public func tryAcquire(_ weight: Int = 1) -> Bool {
    check(weight)
    return fullAgain.withLock { fullAgain in
      let now = timeNow
      guard admission(weight, now, fullAgain) <= now else { return false }
      take(weight, at: now, &fullAgain)
      return true
    }
  }

  /// Whether every bucket is full: a limiter that is not in use.
  var isIdle: Bool { fullAgain.withLock { $0.allSatisfy { $0 <= timeNow } } }

  // MARK: Arithmetic

  private var timeNow: Duration { FiberClock.now - origin }

  private func check(_ weight: Int) {
    require(
      weight >= 1 && weight <= largestWeight,
      "a call of weight \(weight) is never admitted: write 1 to \(largestWeight), the smallest burst, or a larger burst"
    )
  }

  private func reserve(_ weight: Int) -> FiberClock.Instant {
    check(weight)
    let time = fullAgain.withLock { fullAgain in
      let time = admission(weight, timeNow, fullAgain)
      take(weight, at: time, &fullAgain)
      return time
    }
    return origin + time
  }

  /// When a call may go: when each bucket holds its permits.
  private func admission(_ weight: Int, _ now: Duration, _ fullAgain: [Duration]) -> Duration {
    zip(limits, fullAgain).reduce(now) { time, bucket in
      max(time, bucket.1 - bucket.0.interval * (bucket.0.burst - weight))
    }
  }

  private func take(_ weight: Int, at time: Duration, _ fullAgain: inout [Duration]) {
    for index in limits.indices { fullAgain[index] = max(fullAgain[index], time) + limits[index].interval * weight }
  }

  private func giveBack(_ weight: Int) {
    fullAgain.withLock { fullAgain in
      for index in limits.indices { fullAgain[index] -= limits[index].interval * weight }
    }
  }
}

extension RateLimiter: CustomStringConvertible {
  /// "the rate limiter of 20 at once and one each 0.01 seconds".
  public var description: String {
    "the rate limiter of "
      + limits.map { "\($0.burst) at once and one each \($0.interval)" }.joined(separator: ", and ")
  }
}
