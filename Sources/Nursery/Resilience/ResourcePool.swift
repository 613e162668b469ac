/// Lends a bounded number of resources that are expensive to make, such as connections.
///
///     let connections = ResourcePool(in: nursery, limit: 8, maximumIdle: .seconds(60)) {
///       try TCPStream.connect(to: address)
///     } discard: { $0.close() }
///     let answer = try connections.withResource { try $0.ask(question) }
///
/// First come, first served. A resource is made in the pool's nursery, under a deadline of its own, when a lease finds
/// none: if the caller that asked for it is cancelled meanwhile, the resource stays in the pool for the next one. One
/// that was idle for too long, is too old, or is found to be bad is discarded before it is lent. A body that throws
/// gives its resource back unless `isReusable` says otherwise.
public final class ResourcePool<Resource: Sendable>: Sendable {
  struct Held: Sendable {
    let resource: Resource
    let made: FiberClock.Instant
    var returned: FiberClock.Instant
  }

  struct State {
    /// Free resources, the most recently returned last.
    var free: [Held] = []
    /// Leases that wait, the first to come at the front.
    var waiting: [Request] = []
    /// Resources that are lent, free or being made.
    var count = 0
    /// Of those, how many are being made.
    var making = 0
    /// Whether the nursery has ended: what comes back is discarded.
    var isClosed = false
  }

  /// A lease that waits: its grant is one element of a channel that the lease takes, or, if it goes, the pool takes
  /// back.
  final class Request: Sendable {
    let grants = Channel<Result<Held, any Error>>(.bounded(1))
  }

  /// What a pool holds at this moment.
  public struct Statistics: Sendable, Hashable {
    /// Resources that no lease holds.
    public var free = 0
    /// Resources that are lent.
    public var lent = 0
    /// Resources that are being made.
    public var making = 0
    /// Leases that wait.
    public var waiting = 0

    package init(free: Int = 0, lent: Int = 0, making: Int = 0, waiting: Int = 0) {
      self.free = free
      self.lent = lent
      self.making = making
      self.waiting = waiting
    }
  }

  let nursery: Nursery
  let limit: Int
  let maximumIdle: Duration?
  let maximumAge: Duration?
  let deadline: Duration
  let make: @Sendable () throws -> Resource
  let isGood: @Sendable (Resource) -> Bool
  let discard: @Sendable (Resource) -> Void
  let state = Protected(State())

  /// Creates an empty pool.
  ///
  /// - Parameters:
  ///   - nursery: in which resources are made. When it ends, free resources are discarded.
  ///   - limit: how many resources there are at most, from 1.
  ///   - deadline: how long making one may take.
  ///   - maximumIdle: how long a resource may be free before it is discarded instead of lent; nil for ever.
  ///   - maximumAge: how long after its making a resource may be lent; nil for ever.
  ///   - make: makes one, on a fiber of its own.
  ///   - isGood: whether a free resource can be lent; must not wait.
  ///   - discard: is given each resource that leaves the pool.
  public init(
    in nursery: Nursery, limit: Int, deadline: Duration = .seconds(30), maximumIdle: Duration? = nil,
    maximumAge: Duration? = nil, _ make: @escaping @Sendable () throws -> Resource,
    isGood: @escaping @Sendable (Resource) -> Bool = { _ in true },
    discard: @escaping @Sendable (Resource) -> Void = { _ in }
  ) {
    require(limit >= 1, "ResourcePool(limit: \(limit)): nothing could ever be lent; write 1 or more")
    self.nursery = nursery
    self.limit = limit
    self.deadline = deadline
    self.maximumIdle = maximumIdle
    self.maximumAge = maximumAge
    self.make = make
    self.isGood = isGood
    self.discard = discard
    nursery.onExit { [self] in discardFree() }
  }

  /// What the pool holds now.
  public var statistics: Statistics {
    state.withLock { state in
      Statistics(
        free: state.free.count, lent: state.count - state.free.count - state.making, making: state.making,
        waiting: state.waiting.count)
    }
  }

  /// Calls `body` with a resource, which goes back to the pool when it ends.
  ///
  /// A cancellation point until `body` begins.
  ///
  /// - Parameter isReusable: whether a resource may be lent again after the body has thrown an error.
  /// - Throws: what `make` throws, if no resource is free; what the body throws; `CancellationError` if the current
  ///   scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @_disfavoredOverload
  @discardableResult
  public func withResource<Value>(
    isReusable: (any Error) -> Bool = { _ in true }, _ body: (Resource) throws -> Value
  ) throws -> Value {
    let lease = try leaseOp().perform()
    do {
      let value = try body(lease.resource)
      lease.end()
      return value
    } catch {
      lease.end(isReusable: isReusable(error))
      throw error
    }
  }

  /// The operation that commits when a resource is there, and borrows it.
  ///
  /// A lease that loses in a choice, or is cancelled, has taken nothing.
  public func leaseOp() -> Op<Lease> {
    .withNack { [self] _ in
      let request = Request()
      submit(request)
      return request.grants.receiveOp()
        .wrap { [self] in Lease(pool: self, try $0.get()) }
        .onAbandon { [self] in withdraw(request) }
    }
  }

  /// A borrowed resource; it goes back to the pool by `end`, or when the last reference to the lease goes.
  public final class Lease: Sendable {
    /// The resource; good until the lease has ended.
    public let resource: Resource
    private let pool: ResourcePool
    private let held: Protected<Held?>

    fileprivate init(pool: ResourcePool, _ held: Held) {
      self.pool = pool
      resource = held.resource
      self.held = Protected(held)
    }

    deinit { end() }

    /// Gives the resource back; once more does nothing.
    ///
    /// Never blocks.
    ///
    /// - Parameter isReusable: whether it may be lent again; otherwise it is discarded.
    public func end(isReusable: Bool = true) {
      if let held = held.withLock({ $0.take() }) { pool.takeBack(held, isReusable: isReusable) }
    }
  }
}
