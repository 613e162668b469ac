/// A scope for fibers: none of its children outlives it, and no error of a child is lost.
///
/// `withNursery` opens a nursery, which is valid until that call returns. The body, other children, and any thread that
/// has a reference to the nursery can spawn children with `goAsync`.
public final class Nursery: @unchecked Sendable {
  @usableFromInline let record: NurseryRef
  private let policy: FailurePolicy
  let exitHooks = ExitHooks()

  init(host: FiberRef, _ name: String, _ site: SourceSite, policy: FailurePolicy, limit: Int, _ placement: Placement) {
    let traits = NurseryRecord.Traits(
      isAmbient: true, supervises: policy == .supervise, limit: limit, placement: placement)
    record = .open(host: host, name: name, site, traits)
    self.policy = policy
    self.name = name
  }

  deinit { record.free() }

  private var scope: ScopeRef { record.scope }

  /// The name that was passed to `withNursery`; empty if there is none.
  public let name: String

  /// The names of the enclosing nurseries and its own: "server/connections".
  public var path: String { record.path }

  /// How many children have not ended yet, including those that wait for their turn; daemons do not count.
  public var childCount: Int { record.childCount }

  /// Why this nursery itself was cancelled; nil if it was not, or if only an enclosing scope was.
  public var reason: CancellationReason? { scope.reason }

  /// Whether the nursery, or an enclosing scope, has been cancelled.
  public var isCancelled: Bool { scope.isCancelled }

  /// Cancels the nursery: every blocking call in it throws `CancellationError` until it exits.
  ///
  /// Never blocks. May be called on any fiber or thread, any number of times; the first reason is kept, for `reason`
  /// and `Fiber.cancellationReason`. Children end with `CancellationError`, which is not a failure. The nursery absorbs
  /// this cancellation: see `withNursery`.
  public func cancel(_ reason: String? = nil) { scope.cancel(.requested(reason)) }

  /// The operation that commits once the nursery, or an enclosing scope, has been cancelled.
  ///
  /// For fibers outside the nursery: inside it, a perform throws `CancellationError` instead.
  public func cancelledOp() -> Op<Void> { scope.cancellationOp() }

  // MARK: Running

  /// Runs the body on its host and waits for the children; the order is: body, children, daemons, exit hooks,
  /// descriptors, then throw.
  ///
  /// Throws the first that applies: the failures; the cancellation of an enclosing scope, if it ended the body or a
  /// child; if the nursery's own cancellation ended the body, nothing or `NurseryCancelledError`; the body's error.
  func run<Result>(_ host: FiberRef, _ body: (Nursery) throws -> Result) throws -> Result {
    let result: Swift.Result<Result, any Error>
    var ownCancellation: CancellationReason?
    do {
      result = .success(try body(self))
    } catch {
      result = .failure(error)
      ownCancellation = scope.reason
      noteBodyEnded(error)
    }
    // The host may have changed, if a coroutine has been moved to another fiber meanwhile.
    record.joinChildren(Performer.current())
    exitHooks.run { record.noteFailure($0) }
    record.closeResources()
    let failures = record.failures
    scope.close()
    if !failures.isEmpty { throw traced(policy.errorToThrow(failures)) }
    switch result {
    case .success(let value):
      // Rethrown: an enclosing timeout must learn that it ended the children.
      if record.wasCutShort { throw CancellationError() }
      return value
    case .failure(let error):
      guard error is CancellationError, let ownCancellation, !scope.isParentCancelled else { throw error }
      if Result.self == Void.self { return () as! Result }
      throw traced(NurseryCancelledError(record, ownCancellation))
    }
  }

  /// A body's failure counts like a child's, and cancels the children under any policy, because no body is left to
  /// supervise them.
  private func noteBodyEnded(_ error: any Error) {
    if error is CancellationError {
      // If an enclosing scope is cancelled, the children see its reason.
      if !scope.isCancelled { scope.cancel(.requested("the nursery's body has ended with a CancellationError")) }
      return
    }
    record.noteFailure(error)
    scope.cancel(.failure)
  }

  private func traced(_ error: any Error) -> any Error {
    FailureTrace.note(error, record.traceStep)
    return error
  }
}
