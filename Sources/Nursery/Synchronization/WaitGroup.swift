/// A number of pieces of work that are not done yet; others wait until there are none.
///
/// A nursery waits for its children by itself. A wait group is for work that is not a child: requests that are answered
/// by another fiber, callbacks of a library.
///
///     let pending = WaitGroup()
///     for request in requests { pending.add(); client.send(request) { _ in pending.done() } }
///     try pending.wait()
public final class WaitGroup: @unchecked Sendable {
  private let lock = SpinLock(.object)
  @exclusivity(unchecked) private var pending: Int
  /// Open while nothing is pending.
  private let gate: PermitQueue

  /// Creates a group with `count` pieces pending.
  ///
  /// Traps if the count is negative.
  public init(_ count: Int = 0) {
    require(
      count >= 0, "WaitGroup(\(count)) has a negative amount of work; write WaitGroup(), and add() for each piece")
    pending = count
    gate = PermitQueue(count == 0 ? 1 : 0, "a WaitGroup")
  }

  /// How many pieces are not done yet.
  public var count: Int {
    lock.lock()
    defer { lock.unlock() }
    return pending
  }

  /// Adds pieces of work; call it before a fiber or thread can call `done()` for them.
  ///
  /// Never blocks. Traps if the count is not positive.
  public func add(_ count: Int = 1) {
    require(
      count > 0, "add(\(count)) adds no work to a WaitGroup; add at least 1, and call done() for what is done")
    change(by: count)
  }

  /// Says that one piece is done; when it was the last one, all waiters go on.
  ///
  /// Never blocks. Traps if nothing is pending.
  public func done() { change(by: -1) }

  private func change(by amount: Int) {
    lock.lock()
    pending += amount
    let isValid = pending >= 0
    let tasks = isValid ? gate.setFreeUnderLock(pending == 0 ? 1 : 0) : WokenTasks()
    lock.unlock()
    tasks.resume()
    require(
      isValid, "done() was called more often than work was added; call add() once for each done(), before it")
  }

  /// Waits until nothing is pending.
  ///
  /// A cancellation point; allocates nothing.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func wait() throws { try waitOp().perform() }

  /// The operation that commits while nothing is pending.
  public func waitOp() -> Op<Void> { gate.availableOp(1) }
}
