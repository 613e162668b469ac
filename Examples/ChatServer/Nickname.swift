/// A client's name in the room: it does not depend on the case of its letters.
struct Nickname: Sendable, CustomStringConvertible {
  /// The name as its client wrote it.
  let description: String
  /// Equal for names that differ only in their case.
  var key: String { description.lowercased() }
  /// Whether the server has given it.
  ///
  /// Guests come and go without an announcement.
  let isGuest: Bool

  private static let longest = 20

  /// The name of the client with this number, until it chooses another.
  init(guest number: Int) {
    description = "guest\(number)"
    isGuest = true
  }

  /// - Throws: `NicknameError` unless it is a word of letters, digits, `-` and `_`, and no guest's.
  init(_ text: String) throws(NicknameError) {
    guard 1...Self.longest ~= text.count, text.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
    else { throw .malformed(longest: Self.longest) }
    guard !text.lowercased().hasPrefix("guest") else { throw .reserved }
    description = text
    isGuest = false
  }
}

/// A client cannot have a name; the text says why.
enum NicknameError: Error, CustomStringConvertible {
  case malformed(longest: Int)
  case reserved
  case taken(Nickname)

  var description: String {
    switch self {
    case .malformed(let longest): "a name is 1 to \(longest) letters, digits, '-' or '_', as in /nick ada"
    case .reserved: "names that begin with 'guest' are given by the server; choose another"
    case .taken(let name): "\(name) is taken; choose another name"
    }
  }
}
