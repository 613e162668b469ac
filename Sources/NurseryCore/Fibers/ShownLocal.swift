/// A fiber-local that dumps show, as a text that was made when the value was bound.
package struct ShownLocal: Sendable, Hashable {
  package let name: String
  package let value: String

  /// Longer texts are cut.
  private static let longest = 100

  init(_ name: String, _ value: some Any) {
    self.name = name
    let text = "\(value)"
    // Counted in bytes first: to count the characters of a long text takes long.
    self.value = text.utf8.count <= Self.longest ? text : "\(text.prefix(Self.longest))..."
  }
}

extension LocalBinding {
  /// What dumps show of this list, the outermost first.
  var shown: [ShownLocal] {
    var shown: [ShownLocal] = []
    var keys: [ObjectIdentifier] = []
    var candidate: LocalBinding? = self
    while let binding = candidate {
      if let local = binding.shownLocal, !keys.contains(binding.key) {
        keys.append(binding.key)
        shown.append(local)
      }
      candidate = binding.outer
    }
    return shown.reversed()
  }
}
