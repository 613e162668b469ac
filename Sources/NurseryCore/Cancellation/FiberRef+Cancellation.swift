import Synchronization

/// Whether a fiber is cancelled: asked by each call that may wait, before it does.
extension FiberRef {
  /// True once the innermost scope or one around it (up to a shield) is cancelled or past its deadline, or the fiber is
  /// cancelled by itself.
  ///
  /// The first that finds a deadline passed cancels its scope. A load and a comparison where no deadline is set, a look
  /// at a coarse clock where one is.
  @inlinable @inline(__always)
  package var isCancelled: Bool {
    let expiry = scope.pointee.expiry.load(ordering: .acquiring)
    if expiry != .max { return isCancelledOrOverdue(expiry) }
    return pointee.membership.isCancelledAlone.load(ordering: .acquiring) && scope == home
  }

  /// Whether neither a deadline is set nor a cancellation has come near it; false says nothing.
  @inlinable @inline(__always)
  package var surelyIsNotCancelled: Bool {
    scope.pointee.expiry.load(ordering: .acquiring) == .max
      && !pointee.membership.isCancelledAlone.load(ordering: .acquiring)
  }

  @usableFromInline @inline(never)
  func isCancelledOrOverdue(_ expiry: Int64) -> Bool {
    if expiry > .min, expiry > pointee.worker.coarseNow { return isMarkedCancelled }
    if expiry > .min { scope.expire() }
    if pointee.worker.isObserved { noteCancellationPoint(expiry) }
    return true
  }

  /// As `isCancelled`, without regard to deadlines that have passed unnoticed.
  @inline(__always)
  var isMarkedCancelled: Bool {
    let scope = scope
    return scope.pointee.isMarked || pointee.membership.isCancelledAlone.load(ordering: .acquiring) && scope == home
  }
}
