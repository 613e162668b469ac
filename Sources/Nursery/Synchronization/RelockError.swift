/// A fiber, thread or task locks what it holds already: it would wait for itself for ever.
public struct RelockError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The line that took the lock.
  public let held: SourceSite
  /// The line that tried to take it again.
  public let again: SourceSite

  init(held: SourceSite, again: SourceSite) {
    self.held = held
    self.again = again
  }

  /// Both lines, and what to write.
  public var description: String {
    "the lock taken at \(held) is taken again by its owner at \(again); pass the state to the inner call as an inout argument, or release the lock before"
  }
}
