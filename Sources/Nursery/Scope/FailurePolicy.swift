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

/// The failures of a nursery's body and children, in the order they happened.
///
/// A child's error that the body rethrows (`throw error` in a plain `catch`) counts once; caught by its type and thrown again it is another.
public struct ErrorGroup: Error, CustomStringConvertible {
  /// The failures; at least one.
  public let errors: [any Error]

  /// The failures of one type.
  public func errors<Failure: Error>(of type: Failure.Type) -> [Failure] { errors.compactMap { $0 as? Failure } }

  /// "2 failures: ...; ...".
  public var description: String {
    let list = errors.map { "\($0)" }.joined(separator: "; ")
    return errors.count == 1 ? "1 failure: \(list)" : "\(errors.count) failures: \(list)"
  }
}
