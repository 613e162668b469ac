/// A configuration that cannot be run; the message says what to write instead.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  /// What is wrong and what to write instead.
  public let description: String

  package init(_ description: String) {
    self.description = description
  }
}
