/// A deadline of `withTimeout`, `withDeadline` or `orTimeout` passed before the work was done.
///
/// With nested timeouts it says whose deadline passed: `duration` is the time that timeout allows, and `site` its
/// source line.
public struct TimeoutError: Error, Hashable, CustomStringConvertible {
  /// The time that was allowed; nil for a deadline given as an instant.
  public let duration: Duration?
  /// Where the timeout was set.
  public let site: SourceSite
  /// What is known of it in a recording.
  package let record: TimeoutRecord?

  /// Creates the error.
  public init(after duration: Duration? = nil, file: StaticString = #fileID, line: UInt = #line) {
    self.init(after: duration, at: SourceSite(file: file, line: line))
  }

  package init(after duration: Duration?, at site: SourceSite, _ record: TimeoutRecord? = nil) {
    self.duration = duration
    self.site = site
    self.record = record
  }

  /// "timed out after 2.0 seconds (Server/Fetch.swift:12)".
  public var description: String {
    "\(duration.map { "timed out after \($0)" } ?? "the deadline has passed") (\(site))"
  }

  /// Whether both are about the same time and line.
  public static func == (left: TimeoutError, right: TimeoutError) -> Bool {
    left.duration == right.duration && left.site == right.site
  }

  /// Hashes the time and the line.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(duration)
    hasher.combine(site)
  }
}
