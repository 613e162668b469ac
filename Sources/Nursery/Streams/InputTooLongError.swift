/// The input has more bytes than the limit of `readAll` or `parse`.
///
/// They have not been taken.
public struct InputTooLongError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How many bytes are allowed.
  public let limit: Int

  /// Creates the error.
  public init(limit: Int) { self.limit = limit }

  /// What went wrong, and what to do.
  public var description: String {
    """
    the input has more than \(limit) bytes; close the stream if the peer has no business to send so much, \
    raise `limit:`, or take it in pieces with read(upTo:)
    """
  }
}
