extension Watch {
  /// One reader of a `Watch`: it knows which version it has seen.
  ///
  /// It belongs to one fiber or thread at a time; each of several readers takes its own from `reader()`.
  public final class Reader {
    @usableFromInline let watch: Watch<Value>
    @usableFromInline var seen: Int

    init(_ watch: Watch<Value>) {
      self.watch = watch
      seen = watch.latest.version
    }

    /// Whether the value has been set since this reader saw it.
    public var hasChanged: Bool { watch.latest.version > seen }

    /// The latest value, which this reader has seen then.
    @inlinable public var value: Value {
      let latest = watch.latest
      seen = latest.version
      return latest.value
    }

    /// Waits until the value has been set since this reader saw it, and returns the latest one.
    ///
    /// A cancellation point; allocates nothing.
    ///
    /// - Throws: `CancellationError` if the current scope is cancelled; then the reader has seen nothing new.
    @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
    @inlinable
    public func changes() throws -> Value {
      let me = Performer.enter()
      if me.isCancelled { throw CancellationError() }
      try watch.versions.await(after: seen, by: me)
      return value
    }

    /// The operation that commits when the value has been set since this reader saw it; its value is the latest one.
    ///
    /// If it loses, the reader has seen nothing new.
    public func changesOp() -> Op<Value> {
      .guarded { [self] in watch.versions.awaitOp(after: seen).wrap { [self] in value } }
    }
  }
}
