/// The names of the nurseries around, outermost first; shared by everything inside, and good when they have closed.
final class ScopePath: Sendable, CustomStringConvertible {
  let name: String
  private let outer: ScopePath?

  init(_ name: String, in outer: ScopePath?) {
    self.name = name
    self.outer = outer
  }

  /// "server/connections".
  var description: String { outer.map { "\($0)/\(name)" } ?? name }
}
