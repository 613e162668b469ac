/// The decisions of one run: which alternative was taken, of how many that may be.
struct Schedule: Equatable {
  var choices: [Int] = []
  var counts: [Int] = []

  init() {}

  /// Reads a replay string.
  init(replaying text: String) {
    choices = text.split(separator: ".").compactMap { Int($0) }
  }

  /// The choices up to the last that differs from the default, which is the first alternative.
  var replay: String {
    let significant = choices.lastIndex { $0 != 0 }.map { choices[...$0] } ?? []
    return significant.map(String.init).joined(separator: ".")
  }
}
