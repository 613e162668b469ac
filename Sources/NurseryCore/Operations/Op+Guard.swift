extension Op {
  /// The operation that `make` returns, made anew for every perform.
  ///
  /// Guards run once per perform, for every branch of a choice, before anything is polled; never when the operation
  /// is made. An error thrown by a guard is thrown by `perform()`; nothing has committed then.
  @inlinable
  public static func guarded(_ make: @escaping () throws -> Op<Value>) -> Op<Value> {
    Op(GuardedOperation { _ in try make() })
  }

  /// As `guarded`, with something that can be waited for if this branch is abandoned: a negative acknowledgement.
  ///
  /// The nack fires exactly once, before `perform()` returns or throws, when the branch that commits lies outside the
  /// operation that `make` returned, when the perform is cancelled, and when a poll commits nothing. A server that was
  /// sent a request together with its nack learns that the client has gone (Reppy, PLDI 1991).
  @inlinable
  public static func withNack(_ make: @escaping (_ nack: Nack) throws -> Op<Value>) -> Op<Value> {
    Op(
      GuardedOperation { resolution in
        let abandoned = Condition("a nack")
        resolution.started.append { abandoned.signal() }
        let made = try make(Nack(abandoned)).resolved(resolution)
        return Op(AbandonableOperation(made, isResolved: true) { abandoned.signal() })
      })
  }

  /// The operation that calls `action` whenever a perform abandons it, on the performing fiber, before the perform
  /// returns.
  @inlinable
  public func onAbandon(_ action: @escaping () -> Void) -> Op<Value> {
    Op(AbandonableOperation(self, isResolved: false, action))
  }
}

/// Fires when a perform abandons a branch of its choice; send it to the server of that branch.
public struct Nack: Sendable {
  private let abandoned: Condition

  @usableFromInline
  init(_ abandoned: Condition) {
    self.abandoned = abandoned
  }

  /// Whether the branch has been abandoned.
  public var isFired: Bool { abandoned.isSignalled }

  /// Waits until the branch is abandoned; waits for ever if it commits.
  ///
  /// A cancellation point.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func wait() throws { try abandoned.wait() }

  /// The operation that commits once the branch has been abandoned.
  public func waitOp() -> Op<Void> { abandoned.waitOp() }
}

/// Collects what the guards of one perform have started, in case a later guard throws.
@usableFromInline
package final class Resolution {
  @usableFromInline var started: [() -> Void] = []

  @usableFromInline
  init() {}
}

extension Op {
  /// The operation after its guards have run.
  @usableFromInline
  func resolved(_ resolution: Resolution) throws -> Op<Value> {
    guard needsResolution else { return self }
    // A guard may return a guarded operation again, and that one, any number of times.
    var op = self
    var timeouts: [OperationTimeout] = []
    while let guarded = op.guarded {
      if !op.timeout.isNone { timeouts.append(op.timeout) }
      op = try guarded.make(resolution)
    }
    if op.needsResolution {
      let resolved = try op.source.known(as: ValueSource<Value>.self).resolve(resolution)
      op = op.timeout.isNone ? resolved : resolved.timed(op.timeout)
    }
    return timeouts.reversed().reduce(op) { $0.timed($1) }
  }

  /// The guard that this operation is, whatever its timeout.
  var guarded: GuardedOperation<Value>? {
    needsResolution ? source as? GuardedOperation<Value> : nil
  }

  private func resolvedForPerform() throws -> Op<Value> {
    if Performer.current().isCancelled { throw CancellationError() }
    return try resolvedNow()
  }

  /// Runs the guards; if one throws, those before it are abandoned.
  @usableFromInline
  func resolvedNow() throws -> Op<Value> {
    let resolution = Resolution()
    do {
      return try resolved(resolution)
    } catch {
      for abandon in resolution.started { abandon() }
      throw error
    }
  }

  @usableFromInline
  func performResolved() throws -> Value { try resolvedForPerform().perform() }

  @usableFromInline
  func pollResolved() throws -> Value? { try resolvedForPerform().poll() }
}

@usableFromInline
final class GuardedOperation<Value>: ValueSource<Value>, @unchecked Sendable {
  let make: (Resolution) throws -> Op<Value>

  @usableFromInline
  init(_ make: @escaping (Resolution) throws -> Op<Value>) {
    self.make = make
    super.init(
      needsResolution: true,
      collect: { _, _, _ in fatalError("a guard was polled before it was run") },
      take: { _, _, _ in fatalError("a guard committed before it was run") })
  }

  override func resolve(_ resolution: Resolution) throws -> Op<Value> { try Op(self).resolved(resolution) }
}

@usableFromInline
final class AbandonableOperation<Value>: ValueSource<Value>, @unchecked Sendable {
  @usableFromInline let base: Op<Value>
  @usableFromInline let abandon: () -> Void

  /// - Parameter isResolved: whether the guards have been seen to; a guard that throws abandons what came before it.
  @inlinable
  init(_ base: Op<Value>, isResolved: Bool, _ abandon: @escaping () -> Void) {
    self.base = base
    self.abandon = abandon
    super.init(
      slotSize: base.slotSize, needsResolution: !isResolved,
      leafCount: base.leafCount,
      collect: { source, performance, index in
        let source = source.known(as: AbandonableOperation<Value>.self)
        source.base.collect(&performance, from: index)
        performance.add(Performance.Region(leaves: index..<index + source.leafCount, abandon: source.abandon))
      },
      take: { source, performance, index in
        try source.known(as: AbandonableOperation<Value>.self).base.take(&performance, from: index)
      })
  }

  override func resolve(_ resolution: Resolution) throws -> Op<Value> {
    guard needsResolution else { return Op(self) }
    resolution.started.append(abandon)
    return Op(AbandonableOperation(try base.resolved(resolution), isResolved: true, abandon))
  }

  override var waitDescription: String { base.source.waitDescription }
}
