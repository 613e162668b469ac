/// A line, or the input before another delimiter, is longer than the reader allows.
///
/// Its bytes have not been taken.
public struct LineTooLongError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How many bytes it may have, without the delimiter.
  public let limit: Int

  /// Creates the error.
  public init(limit: Int) { self.limit = limit }

  /// What went wrong, and what to do.
  public var description: String {
    """
    a line has more than \(limit) bytes; close the stream if the peer has no business to send such, \
    or read with a higher limit: readLine(limit: \(Self.higher(limit)))
    """
  }

  static func higher(_ limit: Int) -> Int {
    let (double, overflows) = limit.multipliedReportingOverflow(by: 2)
    return overflows ? .max : max(1, double)
  }
}
