/// The size of a terminal, in characters.
public struct TerminalSize: Sendable, Hashable {
  /// How many lines it shows.
  public var rows: UInt16
  /// How many characters a line has.
  public var columns: UInt16

  /// A size; the usual one by default.
  public init(rows: UInt16 = 24, columns: UInt16 = 80) {
    self.rows = rows
    self.columns = columns
  }
}
