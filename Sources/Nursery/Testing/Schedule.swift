/// The decisions of one run: for each the alternative that was taken, and optionally how many there were.
struct Schedule: Equatable {
  var choices: [Int] = []
  var counts: [Int] = []

  init() {}

  /// Reads a replay string.
  init(replaying text: String) throws(ExplorationError) {
    for part in text.split(separator: ".") {
      let numbers = part.split(separator: "*", omittingEmptySubsequences: false).map { Int($0) }
      guard let choice = numbers[0], let count = numbers.count == 1 ? 1 : numbers[1], choice >= 0, count > 0,
        numbers.count < 3
      else { throw .unreadableReplay(text) }
      choices += Array(repeating: choice, count: count)
    }
  }

  /// The choices up to the last one that is not the first alternative, the default: "1.0*5.2" is "1.0.0.0.0.0.2".
  var replay: String {
    var parts: [String] = []
    var rest = choices[..<(choices.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)]
    while let choice = rest.first {
      let count = rest.prefix { $0 == choice }.count
      rest = rest.dropFirst(count)
      if count > 2 { parts.append("\(choice)*\(count)") } else { parts += Array(repeating: "\(choice)", count: count) }
    }
    return parts.joined(separator: ".")
  }
}
