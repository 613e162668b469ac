/// Makes a function's demangled name short enough for a line of a report.
///
///     (1) await resume partial function for closure #1 @Sendable (A) async throws -> () in Web.Client.fetch(a: B) -> C
///     closure #1 in Client.fetch()
package enum FunctionName {
  /// Without the module, arguments, effects, result, and what the compiler has made of the function.
  package static func short(_ demangled: String, module: some StringProtocol) -> String {
    let name = withoutFileNumbers(withoutPrefixes(Substring(demangled)))
    return outline(name).split(separator: " in ").map { part in
      var words = part.prefix { $0 != ":" }.split(separator: " ").prefix { $0 != "->" }
      words.removeAll { $0.hasPrefix("@") || $0.hasPrefix("throws") || ["async", "static", "()"].contains($0) }
      let text = words.joined(separator: " ")
      return text.hasPrefix("\(module).") ? String(text.dropFirst(module.count + 1)) : text
    }.joined(separator: " in ")
  }

  /// A part of the function, between two suspensions, or a form of it for certain types or arguments.
  private static func withoutPrefixes(_ name: Substring) -> Substring {
    var name = name
    while true {
      let isPart = name.hasPrefix("(")
      let isForm = name.hasPrefix("generic ") || name.hasPrefix("function signature ")
      guard isPart || isForm, let end = name.end(of: isPart ? " partial function for " : "> of ") else { return name }
      name = name[end...]
    }
  }

  /// With "name" for "(name in _0123456789ABCDEF0123456789ABCDEF)", as a function is called that is private to a file.
  private static func withoutFileNumbers(_ name: Substring) -> Substring {
    var rest = name
    var text: Substring = ""
    while let end = rest.end(of: " in _") {
      let before = rest[..<end].dropLast(5)
      let number = rest[end...].prefix { $0.isHexDigit }
      if number.endIndex < rest.endIndex, rest[number.endIndex] == ")", let open = before.lastIndex(of: "(") {
        text += before[..<open] + before[open...].dropFirst()
        rest = rest[number.endIndex...].dropFirst()
      } else {
        text += rest[..<end]
        rest = rest[end...]
      }
    }
    return text + rest
  }

  /// "()" for each list of arguments, nothing for a generic one.
  private static func outline(_ name: Substring) -> Substring {
    var text: Substring = ""
    var depth = 0
    var previous: Character = " "
    for character in name {
      let isArrow = previous == "-" && character == ">"
      previous = character
      switch character {
      case "(", "<", "[": depth += 1
      case ")" where depth == 1:
        depth = 0
        text += "()"
      case ")", "]": depth -= 1
      case ">" where !isArrow: depth -= 1
      default: if depth == 0 { text.append(character) }
      }
    }
    return text
  }
}

extension Substring {
  /// Where a text ends that occurs in this one.
  fileprivate func end(of text: String) -> Index? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(text) { return self.index(index, offsetBy: text.count) }
      index = self.index(after: index)
    }
    return nil
  }
}
