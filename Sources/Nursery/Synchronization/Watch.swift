/// A value that changes, of which only the latest matters: a configuration, a state, a progress.
///
///     let level = Watch(LogLevel.info)
///     let reader = level.reader()
///     while true { apply(try reader.changes()) }   // sees the latest value, and may miss some in between
///
/// Setting the value never waits for a reader. Reading it allocates nothing.
public final class Watch<Value: Sendable>: @unchecked Sendable {
  @usableFromInline let lock = SpinLock(.object)
  @exclusivity(unchecked) @usableFromInline var current: Value
  /// How often the value has been set.
  @exclusivity(unchecked) @usableFromInline var version = 0
  /// Counts the versions; a little behind them at times, never ahead.
  @usableFromInline let versions = EventCount("a change of a Watch")

  /// Creates a watch.
  public init(_ value: Value) {
    current = value
  }

  /// The latest value.
  public var value: Value { latest.value }

  /// The latest value and its version.
  @inlinable var latest: (value: Value, version: Int) {
    lock.lock()
    defer { lock.unlock() }
    return (current, version)
  }

  /// Sets the value and wakes the readers that wait for a change.
  ///
  /// Never blocks. A value that is equal to the former one is a change, too.
  @inlinable
  public func set(_ value: Value) {
    // The former value ends after the unlocking: its end may be user code.
    var value = value
    lock.lock()
    swap(&current, &value)
    version += 1
    let version = version
    lock.unlock()
    versions.advance(to: version)
  }

  /// A reader that has seen the present value.
  public func reader() -> Reader { Reader(self) }
}
