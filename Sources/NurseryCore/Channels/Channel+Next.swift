extension Channel {
  /// Waits for the next element and takes it; nil when the channel is closed and drained.
  ///
  /// Like a `for` loop it ends with the channel, but it also tells a cancellation from an end:
  ///
  ///     while let line = try lines.next() { count(line) }
  ///
  /// A cancellation point; allocates nothing.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled: then no element has been taken.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @inlinable
  public func next() throws -> Element? {
    switch receiveOutcome() {
    case .element(let element): return element
    case .closed: return nil
    case .cancelled: throw CancellationError()
    }
  }

  /// The operation that takes the next element; its value is nil when the channel is closed and drained.
  ///
  /// Allocates one object.
  @inlinable
  public func nextOp() -> Op<Element?> { Op(NextSource(self)) }
}

/// The source of receives that yield nil where `receiveOp()` fails.
///
/// Its leaf is the channel itself.
@usableFromInline
final class NextSource<Element: Sendable>: ValueSource<Element?>, @unchecked Sendable {
  @usableFromInline let channel: Channel<Element>

  @inlinable
  init(_ channel: Channel<Element>) {
    self.channel = channel
    super.init(
      slotSize: Performance.slotSize(for: Element.self), leaf: Leaf(.passUnretained(channel), 0),
      collect: { source, performance, index in
        performance.add(source.known(as: NextSource<Element>.self).channel, index: index)
      },
      take: { _, performance, _ in
        guard performance.verdict == .value else { return nil }
        return performance.slot.assumingMemoryBound(to: Element.self).move()
      })
  }

  override var waitDescription: String { channel.waitDescription }
  override var descriptionKey: UInt? { typeKey }
}
