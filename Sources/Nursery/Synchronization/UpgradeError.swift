/// A fiber, thread or task that holds a read lock asks for the write lock, which would wait for its own read to end.
public struct UpgradeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The line that took the read lock.
  public let held: SourceSite
  /// The line that asked for the write lock.
  public let asked: SourceSite

  init(held: SourceSite, asked: SourceSite) {
    self.held = held
    self.asked = asked
  }

  /// Both lines, and what to write.
  public var description: String {
    "the write lock is asked for at \(asked) inside the read lock taken at \(held), which would wait for itself; end the read first and look at the state again, or take the write lock from the beginning"
  }
}
