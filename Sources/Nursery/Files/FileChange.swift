/// A change of a file or directory, as the system reports it.
public struct FileChange: Sendable, Hashable, CustomStringConvertible {
  /// What has happened.
  public struct Kind: OptionSet, Sendable, Hashable {
    /// The system's bits (`IN_MODIFY` and so on).
    public let rawValue: UInt32

    /// Creates a kind from the system's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes were written, or the length has changed.
    public static let modified = Kind(rawValue: 0x2)
    /// Permissions, times or the number of names have changed.
    public static let attributes = Kind(rawValue: 0x4)
    /// A file that was open for writing was closed.
    public static let written = Kind(rawValue: 0x8)
    /// It was moved out of the directory that is watched.
    public static let movedAway = Kind(rawValue: 0x40)
    /// It was moved into the directory that is watched.
    public static let movedHere = Kind(rawValue: 0x80)
    /// It was made in the directory that is watched.
    public static let created = Kind(rawValue: 0x100)
    /// It was removed from the directory that is watched.
    public static let removed = Kind(rawValue: 0x200)
    /// What is watched was itself removed, or moved; nothing more is reported of it once it is removed.
    public static let gone = Kind(rawValue: 0x400 | 0x800)
    /// Changes were lost, because they came faster than they were taken; the path is empty.
    public static let overflow = Kind(rawValue: 0x4000)
  }

  /// The path that is watched, and in a directory the file's name behind it.
  public let path: String
  /// What has happened.
  public let kind: Kind

  /// "logs/today: modified".
  public var description: String {
    let words: [(Kind, String)] = [
      (.modified, "modified"), (.attributes, "attributes"), (.written, "written"), (.movedAway, "moved away"),
      (.movedHere, "moved here"), (.created, "created"), (.removed, "removed"), (.gone, "gone"),
      (.overflow, "changes were lost"),
    ]
    let found = words.filter { !kind.isDisjoint(with: $0.0) }.map(\.1).joined(separator: ", ")
    return path.isEmpty ? found : "\(path): \(found)"
  }
}
