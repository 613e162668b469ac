extension Nursery {
  /// Spawns a child and waits until it says that it has started; returns what it says with that.
  ///
  ///     let port: Int = try nursery.start("server") { started in
  ///       let listener = try Listener()
  ///       started(listener.port)
  ///       try listener.serve()
  ///     }
  ///
  /// Until then the child is the caller's business: its error is thrown here and does not fail the nursery; and when the caller is
  /// cancelled, the child is cancelled and waited for. Afterwards it is a child like any other. (The handshake is Trio's.)
  ///
  /// A cancellation point. Waits for as long as the child runs without calling `started`; put a timeout around it where that can
  /// happen. In a nursery with a limit the child waits for its turn first.
  ///
  /// - Throws: the child's error before it has started; `NotStartedError` if it ends without a word; `CancellationError` if the current
  ///   scope is cancelled, or the nursery.
  /// - Returns: what the child passes to `started`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func start<Ready: Sendable>(
    _ name: String? = nil, daemon: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: sending @escaping (Started<Ready>) throws -> Void
  ) throws -> Ready {
    try startChild(name, daemon, SourceSite(file: file, line: line), body)
  }

  /// Spawns a child and waits until it calls `started()`; see the form that returns a value.
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
      // An ending that is no failure: what went wrong is told to the caller of `start`.
      throw CancellationError()
    }
    do {
      return try handshake.wait(child)
    } catch is CancellationError {
      // The child may have ended before this call heard of the cancellation; its error is this call's all the same.
      child.cancel()
      _ = try withShield { try child.result() }
      throw handshake.failure ?? CancellationError()
    }
  }
}

/// What a child calls, once, when it has started; see `Nursery.start`.
public struct Started<Ready: Sendable>: Sendable {
  private let handshake: Handshake<Ready>

  fileprivate init(_ handshake: Handshake<Ready>) {
    self.handshake = handshake
  }

  /// Lets `start` return with this value.
  ///
  /// Never blocks. May be called from any fiber or thread while the child lives. Calling it twice, or after the child has ended
  /// without it, is a mistake that traps.
  public func callAsFunction(_ value: Ready) { handshake.start(value) }
}

extension Started where Ready == Void {
  /// Lets `start` return.
  ///
  /// As the form that takes a value.
  public func callAsFunction() { handshake.start(()) }
}

/// A child of `start` has ended without calling `started`.
public struct NotStartedError: Error, Hashable, CustomStringConvertible {
  /// Which child.
  public let fiber: FiberIdentity
  /// Where it was spawned.
  public let site: SourceSite

  /// Who has not started, and what to write.
  public var description: String {
    "\(fiber), spawned at \(site), ended without having started; call started() when others may rely on it, or throw the reason why not"
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

  /// True if the end comes before the start, and is therefore its caller's to know.
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

  /// What the child ended with before it had started.
  var failure: (any Error)? {
    lock.withLock {
      if case .ended(let error) = state { error } else { nil }
    }
  }

  /// Waits until it is settled, or the child has ended unheard: one that was spawned into a cancelled nursery never runs.
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
