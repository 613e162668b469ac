/// A lock whose state may be half changed: a body has thrown while it held the lock.
///
/// Only a `FiberMutex` that was made with `poisons: true` throws it.
public struct PoisonedLockError: Error, CustomStringConvertible {
  /// The line that had taken the lock.
  public let site: SourceSite
  /// What the body threw there.
  public let cause: any Error

  init(site: SourceSite, cause: any Error) {
    self.site = site
    self.cause = cause
  }

  /// Where, why, and what to write.
  public var description: String {
    "the state of a FiberMutex may be half changed: the body at \(site) threw \(cause); make the state whole in withLock(repairs: true) { }"
  }
}
