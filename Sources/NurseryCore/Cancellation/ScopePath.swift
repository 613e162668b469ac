/// The names of the nurseries around, outermost first; shared by everything inside, and good when they have closed.
final class ScopePath: @unchecked Sendable, CustomStringConvertible {
  let name: String
  /// Changed in the last moment only.
  private var outer: ScopePath?

  init(_ name: String, in outer: ScopePath?) {
    self.name = name
    self.outer = outer
  }

  /// How many names there are.
  var depth: Int {
    var depth = 1
    var path = self
    while let outer = path.outer { (path, depth) = (outer, depth + 1) }
    return depth
  }

  /// The name that is this many levels further out; 0 is the innermost.
  func name(above levels: Int) -> String {
    var path = self
    for _ in 0..<levels { path = path.outer! }
    return path.name
  }

  /// Lets a path go without recursion: nurseries nest as deeply as a program likes.
  deinit {
    releaseChain(&outer) { link in
      defer { link.outer = nil }
      return link.outer
    }
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
