/// Draining, the first phase of a shutdown: all fibers are asked to finish, and cancelled only when the grace is over.
///
/// Like a cancellation it reaches the nurseries inside, those that are opened later included, but also those behind
/// shields: it interrupts no fiber.
extension NurseryRecord {
  struct Draining {
    var hasBegun = false
    /// Signalled then; made for the first that wants to wait for it.
    var condition: Condition?
  }
}

extension NurseryRef {
  /// Makes `drainingOp` ready, and cancels the nursery at the end of the grace if it has not ended by then.
  ///
  /// Never blocks. Of several drains the grace that ends first counts.
  package func drain(grace nanoseconds: Int64) {
    scope.withLock {
      if !pointee.scope.isClosed { scope.markDraining() }
    }
    scope.setGrace(nanoseconds)
  }

  /// Whether this nursery or one around it is draining.
  package var isDraining: Bool { scope.withLock { pointee.draining.hasBegun } }

  /// The operation that commits once this nursery, or one around it, is draining.
  package func drainingOp() -> Op<Void> {
    scope.withLock {
      let condition = pointee.draining.condition ?? Condition("the draining of a nursery")
      pointee.draining.condition = condition
      if pointee.draining.hasBegun { condition.signal() }
      return condition.waitOp()
    }
  }

  /// Called when the nursery has been linked: either a drain that comes from outside finds it then, or is found here.
  func inheritDraining(from parent: ScopeRef) {
    if parent.isDraining { scope.withLock { scope.markDraining() } }
  }

  /// Called with the lock held.
  fileprivate func beginDraining() {
    pointee.draining.hasBegun = true
    pointee.draining.condition?.signalUnderLock()
  }
}

extension ScopeRef {
  /// Marks the nurseries whose scopes are this one or inside it; called with this scope's lock held.
  func markDraining() {
    visitInside { scope in
      scope.pointee.nursery?.beginDraining()
      return true
    }
  }

  /// Whether the innermost nursery around is draining; for the host.
  package var isDraining: Bool { enclosingNursery?.isDraining ?? false }

  /// The operation that commits once the innermost nursery around is draining; for the host.
  package func drainingOp() -> Op<Void> { enclosingNursery?.drainingOp() ?? .never }
}
