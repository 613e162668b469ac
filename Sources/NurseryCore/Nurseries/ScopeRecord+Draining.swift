/// Draining, the first phase of a shutdown: everybody is told to finish, and cancelled only when the grace is over.
///
/// Like a cancellation it reaches the scopes inside, those that are opened later included, but also those behind shields: it interrupts
/// nobody.
extension ScopeRef {
  /// Tells those who ask that the scope is to end, and cancels it at the end of the grace if it has not ended by then.
  ///
  /// Never blocks. Of several drains the grace that ends first counts.
  package func drain(grace nanoseconds: Int64) {
    pointee.lock.lock()
    if !pointee.isClosed { markDraining() }
    pointee.lock.unlock()
    bringDeadlineForward(nanoseconds, .drained)
  }

  /// Called with this scope's lock held.
  func markDraining() {
    visitInside { scope in
      scope.pointee.isDraining = true
      scope.pointee.draining?.signal()
      return true
    }
  }

  /// Whether this scope or one around it is draining.
  package var isDraining: Bool {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    return pointee.isDraining
  }

  /// The operation that commits once this scope, or one around it, is draining.
  package func drainingOp() -> Op<Void> {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    if let condition = pointee.draining { return condition.waitOp() }
    let condition = Condition("the draining of a nursery")
    if pointee.isDraining { condition.signal() }
    pointee.draining = condition
    return condition.waitOp()
  }
}
