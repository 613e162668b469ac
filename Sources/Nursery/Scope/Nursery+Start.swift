extension Nursery {
  /// Spawns a child and waits until it calls `started`; returns the argument of that call.
  ///
  ///     let port: Int = try nursery.start("server") { started in
  ///       let listener = try Listener()
  ///       started(listener.port)
  ///       try listener.serve()
  ///     }
  ///
  /// Until then the child concerns only the caller: its error is thrown here and does not fail the nursery. If the
  /// caller is cancelled, the child is cancelled and awaited. Afterwards it is a child like any other. (The handshake
  /// is Trio's.)
  ///
  /// A cancellation point. Waits as long as the child runs without calling `started`; use a timeout if that can happen.
  /// In a nursery with a limit the child waits for its turn first.
  ///
  /// - Throws: the child's error before it has started; `NotStartedError` if it ends without calling `started`;
  ///   `CancellationError` if the current scope or the nursery is cancelled.
  /// - Returns: the argument of `started`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func start<Ready: Sendable>(
    _ name: String? = nil, daemon: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: sending @escaping (Started<Ready>) throws -> Void
  ) throws -> Ready {
    try startChild(name, daemon, SourceSite(file: file, line: line), body)
  }

  /// Spawns a child and waits until it calls `started()`; see the overload that returns a value.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func start(
    _ name: String? = nil, daemon: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: sending @escaping (Started<Void>) throws -> Void
  ) throws {
    try startChild(name, daemon, SourceSite(file: file, line: line), body)
  }

  private func startChild<Ready: Sendable>(
    _ name: String?, _ daemon: Bool, _ site: SourceSite, _ body: sending @escaping (Started<Ready>) throws -> Void
  ) throws -> Ready {
    if Performer.enter().isCancelled { throw CancellationError() }
    let handshake = Handshake<Ready>()
    let child = record.spawnChild(name, daemon: daemon, .here, site) {
      do {
        try body(Started(handshake))
        guard handshake.end(nil) else { return }
      } catch {
        guard handshake.end(error) else { throw error }
        FailureTrace.noteFiber(error)
      }
      // Not a failure of the nursery: the caller of `start` gets the error.
      throw CancellationError()
    }
    do {
      return try handshake.wait(child)
    } catch is CancellationError {
      // The child may have failed before this call noticed the cancellation; this call still throws the child's error.
      child.cancel()
      _ = try withShield { try child.result() }
      throw handshake.failure ?? CancellationError()
    }
  }
}

/// A function that a child calls, once, when it has started; see `Nursery.start`.
public struct Started<Ready: Sendable>: Sendable {
  private let handshake: Handshake<Ready>

  fileprivate init(_ handshake: Handshake<Ready>) {
    self.handshake = handshake
  }

  /// Lets `start` return with this value.
  ///
  /// Never blocks. May be called on any fiber or thread while the child runs. Traps if it is called twice, or after the
  /// child has ended without calling it.
  public func callAsFunction(_ value: Ready) { handshake.start(value) }
}

extension Started where Ready == Void {
  /// Lets `start` return.
  ///
  /// See the overload that takes a value.
  public func callAsFunction() { handshake.start(()) }
}

/// A child of `start` has ended without calling `started`.
public struct NotStartedError: Error, Hashable, CustomStringConvertible {
  /// The child.
  public let fiber: FiberIdentity
  /// The line that spawned it.
  public let site: SourceSite

  /// The child that has not started, and what to write.
  public var description: String {
    "\(fiber), spawned at \(site), ended without having started; "
      + "call started() when others may rely on it, or throw the reason why not"
  }
}

/// Settled once: by the child's `started`, or by its end.
private final class Handshake<Ready: Sendable>: @unchecked Sendable {
  private enum State {
    case pending
    case started(Ready)
    case ended((any Error)?)
  }

  private let lock = SpinLock(.object)
  @exclusivity(unchecked) private var state = State.pending
  private let settled = Condition("started() of a child")

  func start(_ value: Ready) {
    if settle(.started(value)) { return }
    let caller = Fiber.current?.description ?? "a plain thread"
    if case .started = state {
      fatalError("started was called a second time, by \(caller); call it once, when others may rely on the child")
    }
    fatalError(
      "started was called by \(caller) after the child had ended without it; call it while the child's body runs")
  }

  /// Returns true if the end comes before the start, so that the caller of `start` gets the error.
  func end(_ error: (any Error)?) -> Bool { settle(.ended(error)) }

  private func settle(_ new: State) -> Bool {
    let isFirst = lock.withLock {
      guard case .pending = state else { return false }
      state = new
      return true
    }
    if isFirst { settled.signal() }
    return isFirst
  }

  /// The error with which the child ended before it had started.
  var failure: (any Error)? {
    lock.withLock {
      if case .ended(let error) = state { error } else { nil }
    }
  }

  /// Waits until it is settled, or until the child has ended without settling it: a child that is spawned into a
  /// cancelled nursery never runs.
  func wait(_ child: Fiber<Void>) throws -> Ready {
    try Op.biased([settled.waitOp(), child.waitOp().recover { _ in }]).perform()
    switch lock.withLock({ state }) {
    case .started(let value): return value
    case .ended(let error?): throw error
    case .ended(nil): throw NotStartedError(fiber: child.identity, site: child.site)
    case .pending:
      // It never ran: the nursery was cancelled, or there was no stack for it.
      try child.wait()
      throw CancellationError()
    }
  }
}
