/// A place that holds one value or none: `take` empties it and waits until it is full, `put` fills it and waits until
/// it is empty.
///
///     let connection = MVar(try connect())
///     let mine = try connection.take()   // no other fiber has it now
///     defer { try? withShield { try connection.put(mine) } }  // also in a cancelled scope
///
/// From Id and Concurrent Haskell (Peyton Jones, Gordon, Finne, POPL 1996). Waiters are served in the order they came;
/// a newcomer never overtakes them. A take or put that loses or is cancelled has changed nothing. Removing a waiter
/// takes time linear in the number of waiters.
public final class MVar<Value: Sendable>: @unchecked Sendable {
  private let lock = SpinLock(.object)
  @exclusivity(unchecked) private var value: Value?
  @exclusivity(unchecked) private var takers: [Waiter<Value>] = []
  @exclusivity(unchecked) private var readers: [Waiter<Value>] = []
  @exclusivity(unchecked) private var putters: [(waiter: Waiter<Void>, value: Value)] = []

  /// Creates an empty place.
  public init() {}

  /// Creates a full place.
  public init(_ value: Value) {
    self.value = value
  }

  /// Whether it holds no value now.
  public var isEmpty: Bool { locked { value == nil } }

  /// Waits until the place is full, and takes the value out.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; then nothing has been taken.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func take() throws -> Value { try takeOp().perform() }

  /// The operation that takes the value out.
  public func takeOp() -> Op<Value> { Op(base: Take(place: self)) }

  /// Waits until the place is full, and returns the value without taking it out.
  ///
  /// Waiting readers see the next value before any taker gets it. A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func read() throws -> Value { try readOp().perform() }

  /// The operation whose value is that of the place, which stays there.
  public func readOp() -> Op<Value> { Op(base: Read(place: self)) }

  /// Waits until the place is empty, and puts the value in.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; then nothing has been put in.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func put(_ value: Value) throws { try putOp(value).perform() }

  /// The operation that puts the value in.
  ///
  /// It can be performed again, and puts the value in again.
  public func putOp(_ value: Value) -> Op<Void> { Op(base: Put(place: self, value: value)) }

  private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body()
  }

  /// Gives the value to all readers and the first taker, fills the place from the first putter, and so on.
  ///
  /// A putter's value lives in its operation, too, so none ends here, under the lock.
  private func settle() {
    while true {
      if let value {
        for reader in readers { reader.commit(value) }
        readers.removeAll(keepingCapacity: true)
        guard !takers.isEmpty else { return }
        if takers.removeFirst().commit(value) { self.value = nil }
      } else {
        guard !putters.isEmpty else { return }
        let next = putters.removeFirst()
        if next.waiter.commit(()) { value = next.value }
      }
    }
  }

  private struct Take: OwnOperation {
    let place: MVar

    func poll() -> Value? {
      place.locked {
        guard place.takers.isEmpty, let value = place.value else { return nil }
        place.value = nil
        place.settle()
        return value
      }
    }

    func enlist(_ waiter: Waiter<Value>) {
      place.locked {
        place.takers.append(waiter)
        place.settle()
      }
    }

    func withdraw(_ waiter: Waiter<Value>) { place.locked { place.takers.removeAll { $0 == waiter } } }

    static var kindDescription: String { "to take from an MVar" }
  }

  private struct Read: OwnOperation {
    let place: MVar

    func poll() -> Value? { place.locked { place.value } }

    func enlist(_ waiter: Waiter<Value>) {
      place.locked {
        place.readers.append(waiter)
        place.settle()
      }
    }

    func withdraw(_ waiter: Waiter<Value>) { place.locked { place.readers.removeAll { $0 == waiter } } }

    static var kindDescription: String { "to read an MVar" }
  }

  private struct Put: OwnOperation {
    let place: MVar
    let value: Value

    func poll() -> Void? {
      place.locked {
        guard place.value == nil, place.putters.isEmpty else { return nil }
        place.value = value
        place.settle()
        return ()
      }
    }

    func enlist(_ waiter: Waiter<Void>) {
      place.locked {
        place.putters.append((waiter, value))
        place.settle()
      }
    }

    func withdraw(_ waiter: Waiter<Void>) { place.locked { place.putters.removeAll { $0.waiter == waiter } } }

    static var kindDescription: String { "to put into an MVar" }
  }
}
