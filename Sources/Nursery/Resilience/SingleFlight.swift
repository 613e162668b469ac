/// Computes a value once for all callers that ask for it at the same time.
///
///     let pages = SingleFlight<URL, Page>(in: nursery) { try fetch($0) }
///     let page = try pages.value(for: address)
///
/// The first caller for a key starts a flight, a child of the nursery that runs `load`; callers that come before it
/// ends get its value or its error, too. Nothing is kept after that. If every caller has been cancelled or chosen
/// otherwise, the flight is cancelled, and the next caller starts another.
public final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private final class Flight: Sendable {
    struct State {
      var callers = 0
      var fiber: Fiber<Void>?
      var result: Result<Value, any Error>?
    }

    let state = Protected(State())
    let hasEnded = Condition()
  }

  private let nursery: Nursery
  private let load: @Sendable (Key) throws -> Value
  private let flights = Protected<[Key: Flight]>([:])

  /// - Parameters:
  ///   - nursery: in which the flights run; use the object only while it is open.
  ///   - load: computes the value of a key, on a fiber of its own.
  public init(in nursery: Nursery, _ load: @escaping @Sendable (Key) throws -> Value) {
    self.nursery = nursery
    self.load = load
  }

  /// How many flights are on their way.
  public var count: Int { flights.withLock { $0.count } }

  /// Waits for the value of a key.
  ///
  /// A cancellation point.
  ///
  /// - Throws: what `load` throws; `CancellationError` if the current scope, or the nursery of the flights, is
  ///   cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func value(for key: Key) throws -> Value { try valueOp(for: key).perform() }

  /// The operation that commits when the value of a key is there; each perform starts a flight unless one is on its
  /// way.
  public func valueOp(for key: Key) -> Op<Value> {
    .withNack { [self] _ in
      let flight = join(key)
      return flight.hasEnded.waitOp()
        .wrap { try flight.state.withLock { $0.result! }.get() }
        .onAbandon { [self] in leave(flight, key) }
    }
  }

  private func join(_ key: Key) -> Flight {
    let (flight, isNew) = flights.withLock { flights in
      let known = flights[key]
      let flight = known ?? Flight()
      flights[key] = flight
      flight.state.withLock { $0.callers += 1 }
      return (flight, known == nil)
    }
    if isNew { start(flight, key) }
    return flight
  }

  private func start(_ flight: Flight, _ key: Key) {
    let fiber = nursery.goAsync("flight") { [self] in
      let result = Result { try load(key) }
      remove(flight, key)
      flight.state.withLock { $0.result = result }
      flight.hasEnded.signal()
    }
    let isAbandoned = flight.state.withLock { state in
      state.fiber = fiber
      return state.callers == 0
    }
    if isAbandoned { fiber.cancel() }
  }

  /// A caller does not wait any more; the last one cancels the flight.
  private func leave(_ flight: Flight, _ key: Key) {
    let fiber = flights.withLock { flights in
      flight.state.withLock { state -> Fiber<Void>? in
        state.callers -= 1
        guard state.callers == 0 else { return nil }
        if flights[key] === flight { flights[key] = nil }
        return state.fiber
      }
    }
    fiber?.cancel()
  }

  private func remove(_ flight: Flight, _ key: Key) {
    flights.withLock { flights in
      if flights[key] === flight { flights[key] = nil }
    }
  }
}
