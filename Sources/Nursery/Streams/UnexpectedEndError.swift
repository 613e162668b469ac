/// The input ended before a value was complete.
///
/// The bytes that came have not been taken: `readAll` returns them.
public struct UnexpectedEndError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How many bytes were needed; nil if that depends on their values.
  public let wanted: Int?
  /// How many bytes came.
  public let got: Int

  /// Creates the error.
  public init(wanted: Int?, got: Int) {
    self.wanted = wanted
    self.got = got
  }

  /// What went wrong, and how many bytes are left.
  public var description: String {
    let wish = wanted.map { "\($0) bytes were asked for, and there were \(got)" } ?? "after \(got) bytes of it"
    return "the input ended in the middle of something: \(wish); they are still there for readAll(limit:)"
  }
}
