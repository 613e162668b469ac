/// The environment of a command.
public struct CommandEnvironment: Sendable, Hashable {
  private var isInherited: Bool
  /// Keyed by the bytes of the name, as the system compares them: to Swift, "é" and "e" with a combining accent are
  /// equal.
  private var changes: [[UInt8]: String?]

  private init(isInherited: Bool, _ changes: some Sequence<(key: String, value: String?)>) {
    self.isInherited = isInherited
    self.changes = Dictionary(uniqueKeysWithValues: changes.map { (Array($0.key.utf8), $0.value) })
  }

  /// This process's environment.
  public static var inheriting: CommandEnvironment { CommandEnvironment(isInherited: true, [:]) }

  /// This process's environment, with some variables set, or removed if the value is nil.
  public static func inheriting(_ changes: [String: String?]) -> CommandEnvironment {
    CommandEnvironment(isInherited: true, changes)
  }

  /// These variables and no others.
  public static func exactly(_ variables: [String: String]) -> CommandEnvironment {
    CommandEnvironment(isInherited: false, variables.mapValues { $0 })
  }

  /// The value that was set for a variable; nil if it is removed or was not set.
  public subscript(name: String) -> String? {
    get { changes[Array(name.utf8)] ?? nil }
    set { changes[Array(name.utf8)] = .some(newValue) }
  }

  /// The entries "NAME=value", each with a zero at its end.
  ///
  /// Inherited ones are passed on byte by byte, whatever their encoding.
  func entries() throws -> [[CChar]] {
    for (name, value) in changes {
      // Compared by bytes, not characters: "=" with a combining accent after it is still "=".
      let isName = !name.isEmpty && !name.contains(UInt8(ascii: "="))
      if isName, !name.contains(0), value?.utf8.contains(0) != true { continue }
      throw InvalidCommandError(
        "the environment variable \"\(String(decoding: name, as: UTF8.self))\" has no name, or \"=\" in it, "
          + "or a zero byte"
      )
    }
    let inherited = isInherited ? System.environment.filter { !isChanged($0) } : []
    let own = changes.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap { name, value in
      value.map { Array("\(String(decoding: name, as: UTF8.self))=\($0)".utf8CString) }
    }
    return inherited + own
  }

  private func isChanged(_ entry: [CChar]) -> Bool {
    let name = entry.prefix { $0 != CChar(UInt8(ascii: "=")) && $0 != 0 }
    return changes[name.map { UInt8(bitPattern: $0) }] != nil
  }

  /// The folders in which a program is searched for.
  ///
  /// An empty part means the current folder.
  var searchPath: [String] {
    var path = self["PATH"]
    if path == nil {
      let prefix = "PATH=".utf8CString.dropLast()
      let entry = System.environment.first { $0.starts(with: prefix) }
      path = entry.map {
        String(decoding: $0[prefix.count..<($0.count - 1)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
    }
    return (path ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":", omittingEmptySubsequences: false).map(
      String.init)
  }
}
