/// The size of a terminal, in characters.
public struct TerminalSize: Sendable, Hashable {
  /// The number of lines.
  public var rows: UInt16
  /// The number of characters in a line.
  public var columns: UInt16

  /// Creates a size; 24 lines of 80 characters by default.
  public init(rows: UInt16 = 24, columns: UInt16 = 80) {
    self.rows = rows
    self.columns = columns
  }
}
