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

/// Where in the source something was written.
package struct SourceSite: Sendable {
  package let file: StaticString
  package let line: UInt

  package init(file: StaticString = "", line: UInt = 0) {
    self.file = file
    self.line = line
  }
}
