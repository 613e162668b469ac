/// A value or an error that comes once and stays; any number of fibers and threads wait for it.
///
///     let address = Promise<SocketAddress>()
///     nursery.goAsync { address.fulfill(try lookUp(name)) }
///     let connection = try TCPStream.connect(to: address.wait())
///
/// A child's own result needs no promise: its `Fiber` is one.
public final class Promise<Value: Sendable>: @unchecked Sendable {
  private let isResolved = Condition("a Promise")
  private let lock = SpinLock(.object)
  /// Written once, before the condition is signalled, and read after.
  @exclusivity(unchecked) private var outcome: Result<Value, any Error>?
  @exclusivity(unchecked) private var site = SourceSite()

  /// Creates a promise without an outcome.
  public init() {}

  /// How it has been resolved; nil if it has not.
  public var result: Result<Value, any Error>? { isResolved.isSignalled ? outcome : nil }

  /// Gives all readers, present and future, this value.
  ///
  /// Never blocks. Traps if the promise has been resolved.
  public func fulfill(_ value: Value, file: StaticString = #fileID, line: UInt = #line) {
    resolve(.success(value), SourceSite(file: file, line: line))
  }

  /// Gives all readers, present and future, this error.
  ///
  /// Never blocks. Traps if the promise has been resolved.
  public func fail(_ error: any Error, file: StaticString = #fileID, line: UInt = #line) {
    resolve(.failure(error), SourceSite(file: file, line: line))
  }

  /// Resolves the promise, unless it has been resolved: then it returns false, and the result is dropped.
  ///
  /// For several producers of which the first one counts. Never blocks.
  public func tryResolve(
    _ result: Result<Value, any Error>, file: StaticString = #fileID, line: UInt = #line
  ) -> Bool {
    trySet(result, SourceSite(file: file, line: line))
  }

  private func resolve(_ result: Result<Value, any Error>, _ site: SourceSite) {
    require(
      trySet(result, site),
      "a Promise that was resolved at \(self.site) is resolved again at \(site); resolve it once, or write tryResolve(_:)"
    )
  }

  private func trySet(_ result: Result<Value, any Error>, _ site: SourceSite) -> Bool {
    lock.lock()
    let isFirst = outcome == nil
    if isFirst {
      outcome = result
      self.site = site
    }
    lock.unlock()
    if isFirst { isResolved.signal() }
    return isFirst
  }

  /// Waits until the promise is resolved and returns its value.
  ///
  /// A cancellation point; allocates nothing.
  ///
  /// - Throws: the error it was resolved with; `CancellationError` also if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func wait() throws -> Value {
    try isResolved.wait()
    return try outcome!.get()
  }

  /// The operation that commits when the promise is resolved; its value or error is the promise's.
  public func waitOp() -> Op<Value> {
    isResolved.waitOp().wrap { [self] in try outcome!.get() }
  }
}
