/// Counts the elements that a stage has taken and not yet handed out, and holds it back at a limit.
///
/// One fiber enters, and one leaves.
final class Window: Sendable {
  let limit: Int
  private let count = Protected(0)
  /// Holds one element after an element has left, for a stage that waits or is about to.
  private let changes = Channel<Void>(.bounded(1))

  init(_ limit: Int) { self.limit = limit }

  /// Waits until there is room, and takes it.
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

  func leave() {
    let wasFull = count.withLock { count in
      defer { count -= 1 }
      return count == limit
    }
    if wasFull { _ = try? changes.trySend(()) }
  }
}

/// A result on its way to the consumer.
struct Finished<Value: Sendable>: Sendable {
  /// The number of its element, from 0.
  let place: Int
  let result: Result<Value, any Error>

  /// Sends it; an error that the consumer does not want any more goes to the suppressed-error handler.
  func send(over channel: Channel<Finished<Value>>) throws {
    do {
      try channel.send(self)
    } catch {
      reportUnseen(result)
      throw error
    }
  }
}

private func reportUnseen<Value>(_ result: Result<Value, any Error>) {
  if case .failure(let error) = result, !(error is CancellationError) { Scheduler.reportSuppressed(error) }
}

/// The results in the order of their elements.
final class OrderedResults<Element: Sendable>: PlainProducer<Element> {
  private let results: Feed<Finished<Element>>
  private let window: Window
  /// Those that have come before their turn; the window bounds their number.
  @exclusivity(unchecked) private var early: [Int: Result<Element, any Error>] = [:]
  @exclusivity(unchecked) private var place = 0

  init(_ results: Feed<Finished<Element>>, _ window: Window) {
    self.results = results
    self.window = window
  }

  deinit {
    for result in early.values { reportUnseen(result) }
  }

  override func produce() throws -> Element? {
    var result = early.removeValue(forKey: place)
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

  override func stop() { results.stop() }
}

/// The results as they come.
final class UnorderedResults<Element: Sendable>: PlainProducer<Element> {
  private let results: Feed<Finished<Element>>
  private let window: Window

  init(_ results: Feed<Finished<Element>>, _ window: Window) {
    self.results = results
    self.window = window
  }

  override func produce() throws -> Element? {
    guard let finished = try results.next() else { return nil }
    window.leave()
    return try finished.result.get()
  }

  override func stop() { results.stop() }
}
