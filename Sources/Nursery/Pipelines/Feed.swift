/// Elements that a child of the run produces and passes over a channel: what every operator with a child is made of.
///
///     child:     nursery of its own { produce; send each element } -> end, or fail(error) -> close the channel
///     consumer:  receive each element -> the channel is closed -> finish(): the error, if there is one
///
/// The error is kept beside the channel, so it arrives after the elements before it, also if the consumer is busy when
/// it happens. The child itself does not fail. Cancelling it cancels everything before it, and its nursery waits.
@usableFromInline
final class Feed<Element: Sendable>: Producer<Element>, @unchecked Sendable {
  private enum Ending {
    case running
    case ended
    case failed(any Error)
  }

  @usableFromInline let elements: Channel<Element>
  private let ending: Protected<Ending>
  /// Set and used by the consumer alone.
  @exclusivity(unchecked) private var fiber: Fiber<Void>?

  /// - Parameter room: how many elements are kept beside the one that the child wants to send.
  @inlinable
  convenience init(room: Int = 0) { self.init(Channel(.bounded(room)), isRunning: true, Self.receive) }

  /// The elements of a channel, without a child.
  @inlinable
  convenience init(of channel: Channel<Element>) { self.init(channel, isRunning: false, Self.receive) }

  @usableFromInline
  init(
    _ elements: Channel<Element>, isRunning: Bool, _ receive: @escaping (Producer<Element>) throws -> Element?
  ) {
    self.elements = elements
    ending = Protected(isRunning ? .running : .ended)
    super.init(receive)
  }

  deinit {
    // The loop was left before the error arrived.
    let ending = ending.withLock { $0 }
    if case .failed(let error) = ending, !(error is CancellationError) { Scheduler.reportSuppressed(error) }
  }

  // MARK: The consumer

  @inlinable
  static func receive(_ producer: Producer<Element>) throws -> Element? {
    let me = unsafeDowncast(producer, to: Feed<Element>.self)
    if let element = try me.elements.next() { return element }
    try me.finish()
    return nil
  }

  /// Throws the error that ended the elements, if one did; called when the channel is closed and drained.
  @usableFromInline
  func finish() throws {
    let ending = ending.withLock { ending in
      defer { ending = .ended }
      return ending
    }
    switch ending {
    // The nursery was cancelled before the child began.
    case .running: throw CancellationError()
    case .failed(let error): throw error
    case .ended: break
    }
  }

  @usableFromInline
  override func stop() { fiber?.cancel() }

  // MARK: The child

  /// Begins the child, which calls `produce` in a nursery of its own.
  @usableFromInline
  func start(
    _ name: String, in nursery: NurseryRef, _ site: SourceSite,
    _ produce: @escaping @Sendable (Feed<Element>, Nursery) throws -> Void
  ) {
    let fiber = nursery.spawnChild(name, daemon: false, nil, site) { [self] in
      do {
        try openNursery(name, site, .failFast, limit: .max) { try produce(self, $0) }
        ending.withLock { if case .running = $0 { $0 = .ended } }
      } catch {
        fail(error)
      }
    }
    // Also if the child never begins.
    fiber.core.body.whenEnded { [elements] in elements.close() }
    self.fiber = fiber
  }

  /// Keeps the error that ends the elements; the first one counts.
  @usableFromInline
  func fail(_ error: any Error) {
    let isFirst = ending.withLock { ending in
      guard case .running = ending else { return false }
      ending = .failed(error)
      return true
    }
    if !isFirst, !(error is CancellationError) { Scheduler.reportSuppressed(error) }
  }

  /// Sends all elements of a flow.
  @inlinable
  func send(all flow: Flow<Element>, _ nursery: Nursery) throws {
    let upstream = try flow.open(nursery.record)
    defer { upstream.stop() }
    while let element = try upstream.next() { try elements.send(element) }
  }
}

extension Flow {
  /// Runs this flow in a child of the nursery; a channel's elements need none.
  @inlinable
  func feed(_ name: String, in nursery: NurseryRef, _ site: SourceSite, room: Int = 0) -> Feed<Element> {
    if let channel { return Feed(of: channel) }
    let feed = Feed<Element>(room: room)
    feed.start(name, in: nursery, site) { try $0.send(all: self, $1) }
    return feed
  }
}
