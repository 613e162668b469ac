import Synchronization

/// What a fiber runs and what became of it: one object per fiber, shared by its handles and, while it lives, its record.
///
/// The end of a fiber is an operation: performers leave their offers here.
@usableFromInline
package class FiberBody: OperationSource, @unchecked Sendable {
  @usableFromInline package let record: FiberRef
  /// Runs the body and keeps its result; returns the error it ended with. A closure without captures, formed where the type of
  /// the result is known: a virtual method of a generic class would run unspecialised.
  let run: (FiberBody) -> (any Error)?
  private let lock = SpinLock()
  private let ended = Atomic<Bool>(false)
  @exclusivity(unchecked) private var joiners = WaitQueue()

  @usableFromInline
  init(record: FiberRef, run: @escaping (FiberBody) -> (any Error)?) {
    self.record = record
    self.run = run
    super.init(slotSize: 0, delivery: .fiber)
  }

  deinit { FiberSlab.free(record) }

  /// Ends the fiber without running it.
  func fail(_ error: any Error) { fatalError("\(Self.self) must override fail") }
  /// Drops the result: nobody is left to ask for it.
  func dropResult() { fatalError("\(Self.self) must override dropResult") }

  /// Whether the result is there.
  @usableFromInline
  package var isEnded: Bool { ended.load(ordering: .acquiring) }

  /// Publishes the result and wakes everybody who waits for it.
  func end() {
    lock.lock()
    ended.store(true, ordering: .releasing)
    joiners.wakeAll()
    lock.unlock()
  }

  /// Cancels this fiber alone, unless it has ended. While the lock is held it has not, so its home exists.
  package func cancel() {
    lock.lock()
    if !isEnded { record.cancelAlone() }
    lock.unlock()
  }

  override package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    if !attempt.enlists {
      guard isEnded else { return .pending }
      offer.win()
      return .committed
    }
    lock.lock()
    defer { lock.unlock() }
    guard isEnded else {
      joiners.enlist(offer, attempt)
      return .pending
    }
    guard offer.commits(attempt) else { return .lost }
    offer.win()
    return .committed
  }

  override package func withdraw(_ offer: OfferRef) {
    lock.lock()
    joiners.remove(offer)
    lock.unlock()
  }

  override package var waitDescription: String { "the end of \(record.label)" }
}

/// The body of a fiber that yields a `Value`.
@usableFromInline
package final class FiberCore<Value>: FiberBody, @unchecked Sendable {
  /// Holds the closure as a field of its own: inside an Optional or an enum's payload a function is stored more abstractly, at
  /// the price of a thunk and an allocation.
  @usableFromInline
  struct Closure {
    @usableFromInline let call: () throws -> Value

    @usableFromInline
    init(_ call: @escaping () throws -> Value) {
      self.call = call
    }
  }

  @usableFromInline
  enum State {
    case pending(Closure)
    case running
    case completed(Value)
    case failed(any Error)
    case dropped
  }

  /// Written by the fiber alone until it has ended, read-only afterwards.
  @usableFromInline @exclusivity(unchecked) var state: State

  @inlinable
  package init(record: FiberRef, _ call: @escaping () throws -> Value) {
    state = .pending(Closure(call))
    super.init(record: record) { body in unsafeDowncast(body, to: FiberCore<Value>.self).callClosure() }
  }

  @inlinable
  func callClosure() -> (any Error)? {
    guard case .pending(let closure) = state else { return nil }
    state = .running
    do {
      state = .completed(try closure.call())
      return nil
    } catch {
      state = .failed(error)
      return error
    }
  }

  override func fail(_ error: any Error) { state = .failed(error) }
  override func dropResult() { state = .dropped }

  /// Waits until the fiber has ended and returns its value.
  @inlinable
  package func wait() throws -> Value {
    // An ended fiber's result is there for the taking, but a cancelled scope's calls throw all the same.
    if isEnded, !Performer.current().isCancelled { return try outcome() }
    return try Op<Value>(self).perform()
  }

  /// The result of a fiber that has ended.
  @inlinable
  package func outcome() throws -> Value {
    switch state {
    case .completed(let value): return value
    case .failed(let error): throw error
    default: fatalError("the result of a fiber was asked for before it had ended")
    }
  }
}
