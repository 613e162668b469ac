/// The replies of a console: JSON objects in a line each.
enum ConsoleReply {
  /// Fields may be added within a version; none is removed or changes its meaning.
  static let version = 1

  /// What a client is sent first.
  static let greeting = object { $0.field("console", "nursery") }

  static func error(_ text: String) -> String { object { $0.field("error", text) } }

  /// - Parameter write: writes what a program reads; the text is for people.
  static func text(_ text: String, _ write: (inout JSONText) -> Void = { _ in }) -> String {
    object { json in
      json.field("text", text)
      write(&json)
    }
  }

  static func object(_ write: (inout JSONText) -> Void) -> String {
    var json = JSONText()
    json.object { json in
      json.field("version", version)
      write(&json)
    }
    return json.text
  }
}
