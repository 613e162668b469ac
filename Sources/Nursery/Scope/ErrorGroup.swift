/// The failures of a nursery's body and children, in the order they happened.
///
/// A child's error that the body rethrows (`throw error` in a plain `catch`) counts once. An error that is caught by
/// its type and thrown again counts as another.
public struct ErrorGroup: Error, CustomStringConvertible {
  private let contents: Contents

  init(errors: [any Error]) {
    contents = Contents(errors)
  }

  /// The failures; at least one.
  public var errors: [any Error] { contents.errors }

  /// The failures of one type.
  public func errors<Failure: Error>(of type: Failure.Type) -> [Failure] { errors.compactMap { $0 as? Failure } }

  /// "2 failures: ...; ...", with a group inside in parentheses.
  public var description: String {
    var text = heading
    var open = [errors[...]]
    while var rest = open.popLast() {
      guard let next = rest.popFirst() else {
        if !open.isEmpty { text += ")" }
        continue
      }
      text += rest.startIndex > 1 ? "; " : " "
      open.append(rest)
      if let group = next as? ErrorGroup {
        text += "(\(group.heading)"
        open.append(group.errors[...])
      } else {
        text += "\(next)"
      }
    }
    return text
  }

  private var heading: String { errors.count == 1 ? "1 failure:" : "\(errors.count) failures:" }
}

extension ErrorGroup {
  /// Releases nested groups one after another: groups nest as deeply as nurseries, so a recursive release could
  /// overflow a fiber's stack.
  private final class Contents: Sendable {
    nonisolated(unsafe) private(set) var errors: [any Error]

    init(_ errors: [any Error]) {
      self.errors = errors
    }

    deinit {
      var pending = errors
      errors = []
      while !pending.isEmpty {
        guard var contents = Self.popLast(&pending), isKnownUniquelyReferenced(&contents) else { continue }
        pending += contents.errors
        contents.errors = []
      }
    }

    /// The contents of the last error, if it is a group; the error itself has been released when this returns.
    private static func popLast(_ errors: inout [any Error]) -> Contents? {
      (errors.removeLast() as? ErrorGroup)?.contents
    }
  }
}
