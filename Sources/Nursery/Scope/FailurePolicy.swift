/// The effect of a failing child on its siblings, and the error that `withNursery` throws.
///
/// `CancellationError` is not a failure and never counts.
public enum FailurePolicy: Sendable, Hashable {
  /// The first failure cancels the rest and is thrown as it is; later ones go to `Configuration.onSuppressedError`.
  case failFast
  /// The first failure cancels the rest; an `ErrorGroup` with every failure is thrown, even if there is only one.
  case collect
  /// The siblings run on; an `ErrorGroup` with every failure is thrown at the end.
  case supervise

  func errorToThrow(_ failures: [any Error]) -> any Error {
    guard self == .failFast else { return ErrorGroup(errors: failures) }
    for suppressed in failures.dropFirst() { Scheduler.reportSuppressed(suppressed) }
    return failures[0]
  }
}
