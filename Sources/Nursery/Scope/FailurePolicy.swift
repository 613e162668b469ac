/// What a failing child means for its siblings, and what `withNursery` throws.
///
/// `CancellationError` is an ending, not a failure, and never counts.
public enum FailurePolicy: Sendable, Hashable {
  /// The first failure cancels the rest and is thrown as it is; later ones are handed to the scheduler's suppressed-error
  /// handler.
  case failFast
  /// The first failure cancels the rest; an `ErrorGroup` with every failure is thrown, also when there is only one.
  case collect
  /// The siblings run on; an `ErrorGroup` with every failure is thrown at the end.
  case supervise

  func errorToThrow(_ failures: [any Error]) -> any Error {
    guard self == .failFast else { return ErrorGroup(errors: failures) }
    for suppressed in failures.dropFirst() { Scheduler.reportSuppressed(suppressed) }
    return failures[0]
  }
}
