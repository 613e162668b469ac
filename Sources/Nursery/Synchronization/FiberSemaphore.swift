/// A number of permits: at most this many units of something are in use at once.
///
///     let connections = FiberSemaphore(8)
///     try connections.withPermits { try fetch(page) }
///
/// Requests may have weights: `withPermits(3)` takes three. They are granted in the order they came, each as a whole; a
/// newcomer never overtakes a waiter. A large request therefore holds up those behind it until it is granted or gives
/// up. A waiter that is cancelled, times out or loses has taken nothing. Taking permits that are free allocates
/// nothing.
///
/// Fibers and plain threads may use it together. Any of them may give back a permit that another one took.
public final class FiberSemaphore: Sendable {
  /// How many permits there are, free or taken.
  public let limit: Int
  private let permits: PermitQueue

  /// Creates a semaphore; all its permits are free.
  ///
  /// Traps if the limit is not positive.
  public init(_ limit: Int) {
    require(limit > 0, "FiberSemaphore(\(limit)) would let no fiber in; write a limit of at least 1")
    self.limit = limit
    permits = PermitQueue(limit, "a FiberSemaphore") { free, _ in "a FiberSemaphore, \(free) of \(limit) permits free" }
  }

  /// How many permits are free now; another fiber may take them at any moment.
  public var freeCount: Int { permits.freeCount }

  /// How many requests wait now.
  public var waitingCount: Int { permits.waitingCount }

  /// Runs `body` with `count` permits, and gives them back when it ends.
  ///
  /// Waits until they are free and no earlier request is left. A cancellation point. Traps if the count is not positive
  /// or is above the limit.
  ///
  /// - Throws: what `body` throws; `CancellationError` if the current scope is cancelled: then `body` has not run.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @_disfavoredOverload
  public func withPermits<Result: ~Copyable>(_ count: Int = 1, _ body: () throws -> Result) throws -> Result {
    try take(count)
    defer { permits.give(count) }
    return try body()
  }

  /// Waits for `count` permits and takes them.
  ///
  /// A cancellation point. Allocates the permit. Traps if the count is not positive or is above the limit.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled: then nothing has been taken.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func acquire(_ count: Int = 1) throws -> Permit {
    try take(count)
    return Permit(self, count)
  }

  /// The operation that takes `count` permits; its value gives them back.
  ///
  /// Traps if the count is not positive or is above the limit.
  public func acquireOp(_ count: Int = 1) -> Op<Permit> {
    check(count)
    return permits.takeOp(count).wrap { [self] in Permit(self, count) }
  }

  /// The operation that commits when `count` permits could be taken without waiting.
  ///
  /// It takes none, so they may be gone when the perform returns.
  ///
  /// Traps if the count is not positive or is above the limit.
  public func availableOp(_ count: Int = 1) -> Op<Void> {
    check(count)
    return permits.availableOp(count)
  }

  private func take(_ count: Int) throws {
    check(count)
    let me = Performer.enter()
    if me.isCancelled { throw CancellationError() }
    try permits.take(count, by: me)
  }

  func give(_ count: Int) { permits.give(count) }

  private func check(_ count: Int) {
    require(count > 0, "\(count) permits of a FiberSemaphore were asked for; ask for at least 1")
    require(
      count <= limit,
      "\(count) permits were asked for, of a FiberSemaphore that has \(limit): that would wait for ever; ask for fewer, or write FiberSemaphore(\(count))"
    )
  }
}
