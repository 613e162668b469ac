/// Why a scope was cancelled; the first reason stays.
public enum CancellationReason: Sendable, Hashable, CustomStringConvertible {
  /// `cancel` was called, perhaps with a reason.
  case requested(String?)
  /// The scope's deadline passed.
  case deadline
  /// A child or the body failed, and the policy is to stop the others.
  case failure
  /// The nursery was drained, and its grace is over.
  case drained
  /// The nursery has ended except for its daemons, which are no longer needed.
  case ended

  /// "its deadline passed", or what was given as the reason.
  public var description: String {
    switch self {
    case .requested(let reason): reason ?? "it was cancelled"
    case .deadline: "its deadline passed"
    case .failure: "a fiber in it failed"
    case .drained: "it was drained and the grace is over"
    case .ended: "its nursery has ended"
    }
  }
}
