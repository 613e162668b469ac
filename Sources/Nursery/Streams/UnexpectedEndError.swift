/// The input has ended in the middle of something.
///
/// What there was of it has not been taken: `readAll` returns it.
public struct UnexpectedEndError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How many bytes were asked for; nil if that depends on what they are.
  public let wanted: Int?
  /// How many there were.
  public let got: Int

  /// Creates the error.
  public init(wanted: Int?, got: Int) {
    self.wanted = wanted
    self.got = got
  }

  /// What went wrong, and what is left.
  public var description: String {
    let wish = wanted.map { "\($0) bytes were asked for, and there were \(got)" } ?? "after \(got) bytes of it"
    return "the input ended in the middle of something: \(wish); they are still there for readAll(limit:)"
  }
}
