extension Nursery {
  /// Asks all fibers of the nursery to finish, and cancels it if it has not ended when the grace is over.
  ///
  /// The first phase of a shutdown: makes `drainingOp()` ready in this nursery and in nurseries nested in it. An accept
  /// loop that chooses between the next connection and draining stops accepting. A connection finishes its request and
  /// closes. A fiber that does not check goes on until the cancellation. A body that still waits then is cancelled like
  /// the children. The nursery absorbs that, as any cancellation of its own: see `withNursery`.
  ///
  /// Never blocks. May be called repeatedly, from any fiber or thread, but not from a signal handler: the grace that
  /// ends first counts. A grace of zero cancels at once. Does nothing once the nursery has ended.
  ///
  /// - Parameter grace: how long the nursery may take to end by itself.
  public func drain(grace: Duration) { record.drain(grace: grace.nanosecondsClamped) }

  /// Whether the nursery, or an enclosing one, has been asked to finish.
  public var isDraining: Bool { record.isDraining }

  /// The operation that commits once the nursery, or an enclosing one, has been asked to finish.
  ///
  /// Works inside the nursery and outside: draining interrupts no fiber, so a perform inside commits like any other.
  public func drainingOp() -> Op<Void> { record.drainingOp() }
}

/// The operation that commits once an enclosing nursery has been asked to finish; see `Nursery.drain(grace:)`.
///
/// For code that has no reference to its nursery. Outside any nursery it never commits.
public func drainingOp() -> Op<Void> { Performer.current().scope.drainingOp() }
