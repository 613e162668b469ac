/// Counts the elements that a stage has taken and not yet handed out, and holds it back at a limit.
///
/// One fiber enters, and one leaves.
@usableFromInline
final class Window: Sendable {
  @usableFromInline let limit: Int
  private let count = Protected(0)
  /// Holds one element after an element has left, for a stage that waits or is about to.
  private let changes = Channel<Void>(.bounded(1))

  @usableFromInline
  init(_ limit: Int) { self.limit = limit }

  /// Waits until there is room, and takes it.
  @usableFromInline
  func enter() throws {
    while !tryEnter() { try changes.receive() }
  }

  private func tryEnter() -> Bool {
    count.withLock { count in
      if count == limit { return false }
      count += 1
      return true
    }
  }

  @usableFromInline
  func leave() {
    let wasFull = count.withLock { count in
      defer { count -= 1 }
      return count == limit
    }
    if wasFull { _ = try? changes.trySend(()) }
  }
}

/// A result on its way to the consumer.
@usableFromInline
struct Finished<Value: Sendable>: Sendable {
  /// The number of its element, from 0.
  @usableFromInline let place: Int
  @usableFromInline let result: Result<Value, any Error>

  @inlinable
  init(place: Int, result: Result<Value, any Error>) {
    self.place = place
    self.result = result
  }

  /// Sends it; an error that the consumer does not want any more goes to the suppressed-error handler.
  @inlinable
  func send(over channel: Channel<Finished<Value>>) throws {
    do {
      try channel.send(self)
    } catch {
      reportUnseen(result)
      throw error
    }
  }
}

@usableFromInline
func reportUnseen<Value>(_ result: Result<Value, any Error>) {
  if case .failure(let error) = result, !(error is CancellationError) { Scheduler.reportSuppressed(error) }
}

/// The results in the order of their elements.
@usableFromInline
final class OrderedResults<Element: Sendable>: Producer<Element> {
  @usableFromInline let results: Feed<Finished<Element>>
  @usableFromInline let window: Window
  /// Those that have come before their turn; the window bounds their number.
  @exclusivity(unchecked) @usableFromInline var early: [Int: Result<Element, any Error>] = [:]
  @exclusivity(unchecked) @usableFromInline var place = 0

  @inlinable
  init(_ results: Feed<Finished<Element>>, _ window: Window) {
    self.results = results
    self.window = window
    super.init { try unsafeDowncast($0, to: OrderedResults<Element>.self).produce() }
  }

  deinit {
    for result in early.values { reportUnseen(result) }
  }

  @inlinable
  func produce() throws -> Element? {
    var result = early.isEmpty ? nil : early.removeValue(forKey: place)
    while result == nil {
      guard let finished = try results.next() else { return nil }
      if finished.place == place {
        result = finished.result
      } else {
        early[finished.place] = finished.result
      }
    }
    place += 1
    window.leave()
    return try result!.get()
  }

  @usableFromInline
  override func stop() { results.stop() }
}

/// The results as they come.
@usableFromInline
final class UnorderedResults<Element: Sendable>: Producer<Element> {
  @usableFromInline let results: Feed<Finished<Element>>
  @usableFromInline let window: Window

  @inlinable
  init(_ results: Feed<Finished<Element>>, _ window: Window) {
    self.results = results
    self.window = window
    super.init { try unsafeDowncast($0, to: UnorderedResults<Element>.self).produce() }
  }

  @inlinable
  func produce() throws -> Element? {
    guard let finished = try results.next() else { return nil }
    window.leave()
    return try finished.result.get()
  }

  @usableFromInline
  override func stop() { results.stop() }
}
