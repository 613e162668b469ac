/// The elements of an asynchronous sequence, as operations.
///
///     let lines = file.lines.operations()
///     let event = try choose(
///       lines.nextOp().wrap { Event.line($0) },
///       timeoutOp(after: .seconds(2)).wrap { .silence })
///
/// The nursery owns it: a daemon of the nursery calls the sequence's `next()`, in a task, and parks meanwhile. At most
/// one `next()` runs at a time, and it begins only when a performer waits. If that performer's choice takes another
/// branch, the element is kept for the next perform. Several fibers, threads and tasks may share the elements, first
/// come, first served; an element goes to one of them. The sequence's end and its error are kept for all performs that
/// follow.
///
/// When the nursery ends, it cancels a `next()` that still runs, and waits for it. Then performs outside the nursery
/// fail with `NurseryClosedError`.
public final class AsyncElements<Element: Sendable>: @unchecked Sendable {
  enum Outcome {
    case element(Element)
    case end
    case failure(any Error)
  }

  private let lock = SpinLock(.object)
  /// An element that no perform has taken.
  @exclusivity(unchecked) private var kept: Outcome?
  /// How the elements have ended; it stays.
  @exclusivity(unchecked) private var last: Outcome?
  /// Whether a perform has received the sequence's error.
  @exclusivity(unchecked) private var isLastSeen = false
  @exclusivity(unchecked) private var waiters: [Waiter<Outcome>] = []
  /// Wakes the daemon when a performer waits.
  private let demand = Channel<Void>(.newest(1))

  /// Waits for the next element; nil when the sequence has ended.
  ///
  /// A cancellation point.
  ///
  /// - Throws: the sequence's error, each time from then on; `NurseryClosedError` when the nursery has closed;
  ///   `CancellationError` if the current scope is cancelled: then no element has been taken.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func next() throws -> Element? { try nextOp().perform() }

  /// Waits for the next element; nil when the sequence has ended.
  ///
  /// Suspends the task meanwhile. A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func next() async throws -> Element? { try await nextOp().perform() }

  /// The operation that takes the next element; its value is nil when the sequence has ended.
  ///
  /// A poll takes an element that is kept, and does not call the sequence.
  public func nextOp() -> Op<Element?> {
    Op(base: Next(elements: self)).wrap { outcome in
      switch outcome {
      case .element(let element): return element
      case .end: return nil
      case .failure(let error): throw error
      }
    }
  }

  init() {}

  private func locked<Result>(_ body: () -> Result) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return body()
  }

  // MARK: The daemon

  /// Calls `next` whenever a performer waits and no element is kept, until the daemon is cancelled.
  func serve(
    _ nursery: NurseryRef, priority: TaskPriority?, executor: (any TaskExecutor)?,
    _ next: @escaping @Sendable () async throws -> Element?
  ) throws {
    defer { close(NurseryClosedError(nursery)) }
    while true {
      try demand.receive()
      while isWanted {
        try runAsync(priority: priority, executor: executor) { [self] in
          let outcome: Outcome
          do { outcome = try await next().map { .element($0) } ?? .end } catch { outcome = .failure(error) }
          deliver(outcome)
        }
      }
    }
  }

  private var isWanted: Bool { locked { !waiters.isEmpty && kept == nil && last == nil } }

  private func deliver(_ outcome: Outcome) {
    switch outcome {
    case .element: break
    // A cancelled `next()` may return nil, which is not the sequence's end.
    case .end where Task.isCancelled: return
    case .failure(let error) where Task.isCancelled && error is CancellationError: return
    default: return end(with: outcome)
    }
    locked {
      kept = outcome
      settle()
    }
  }

  private func end(with outcome: Outcome) {
    locked {
      last = outcome
      settle()
    }
  }

  /// From now on performs fail; an error of the sequence that none has received is reported.
  private func close(_ closed: NurseryClosedError) {
    let unseen: Outcome? = locked {
      let unseen = isLastSeen ? nil : last
      if unseen == nil && last != nil { return nil }
      last = .failure(closed)
      settle()
      return unseen
    }
    if case .failure(let error) = unseen, !(error is CancellationError) { Scheduler.reportSuppressed(error) }
  }

  // MARK: The performers

  /// Gives the kept element to the first waiter that takes it, and the end to all; under the lock.
  ///
  /// Until the waiter is withdrawn its slot holds a copy, so no element ends here.
  private func settle() {
    while let outcome = kept ?? last, !waiters.isEmpty {
      guard waiters.removeFirst().commit(outcome) else { continue }
      if kept != nil { kept = nil } else { isLastSeen = true }
    }
  }

  private func take() -> Outcome? {
    locked {
      guard kept == nil else { return kept.take() }
      if last != nil { isLastSeen = true }
      return last
    }
  }

  private func add(_ waiter: Waiter<Outcome>) {
    locked {
      waiters.append(waiter)
      settle()
    }
    _ = try? demand.trySend(())
  }

  private func remove(_ waiter: Waiter<Outcome>) { locked { waiters.removeAll { $0 == waiter } } }

  private struct Next: BaseOperation {
    let elements: AsyncElements

    func poll() -> Outcome? { elements.take() }
    func enlist(_ waiter: Waiter<Outcome>) { elements.add(waiter) }
    func withdraw(_ waiter: Waiter<Outcome>) { elements.remove(waiter) }
    static var kindDescription: String { "the next element of an AsyncSequence" }
  }
}

extension AsyncSequence where Self: Sendable, Element: Sendable {
  /// Makes operations of the elements, for fibers, threads and tasks; see `AsyncElements`.
  ///
  /// Traps outside any nursery if none is given.
  ///
  /// - Parameters:
  ///   - nursery: cancels a running `next()` when it ends, and waits for it; nil for the ambient nursery.
  ///   - priority: of the tasks that call `next()`.
  ///   - executor: where they run, unless they are isolated to an actor; nil for the executor of the process.
  public func operations(
    in nursery: Nursery? = nil, priority: TaskPriority? = nil, executor: (any TaskExecutor)? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) -> AsyncElements<Element> {
    let elements = AsyncElements<Element>()
    nonisolated(unsafe) let owner = nursery?.record ?? ambientNursery("operations()")
    let steps = Steps(self)
    _ = owner.spawnChild("\(Self.self)", daemon: true, nil, SourceSite(file: file, line: line)) {
      try elements.serve(owner, priority: priority, executor: executor) { try await steps.next() }
    }
    return elements
  }
}

/// The iteration of a sequence; each `next()` begins after the last one has ended, perhaps in another task.
private final class Steps<Base: AsyncSequence & Sendable>: @unchecked Sendable where Base.Element: Sendable {
  private let base: Base
  @exclusivity(unchecked) private var iterator: Base.AsyncIterator?

  init(_ base: Base) {
    self.base = base
  }

  func next() async throws -> Base.Element? {
    if iterator == nil { iterator = base.makeAsyncIterator() }
    return try await iterator!.next(isolation: nil)
  }
}
