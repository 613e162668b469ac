/// The names of the nurseries around, outermost first; shared by everything inside, and good when they have closed.
final class ScopePath: Sendable, CustomStringConvertible {
  let name: String
  private let outer: ScopePath?

  init(_ name: String, in outer: ScopePath?) {
    self.name = name
    self.outer = outer
  }

  /// "server/connections".
  var description: String {
    var names = [name]
    var candidate = outer
    while let path = candidate {
      names.append(path.name)
      candidate = path.outer
    }
    return names.reversed().joined(separator: "/")
  }
}
