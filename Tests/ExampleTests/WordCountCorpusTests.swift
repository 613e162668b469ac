import CSwitch
import Testing

/// `wordcount` against the equivalent pipeline of standard tools, on large texts.
@Suite struct WordCountCorpusTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// Compares the output of a command that runs `wordcount --all` on files with that of the standard tools.
  private func expectTheSameWords(
    _ command: String, _ files: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    // awk ends the last line of each file; sed drops the empty word in front of a leading separator.
    let outcome = try workshop.shell(
      """
      \(command) > ours || exit
      awk 1 \(files) | tr -cs 'A-Za-z' '\\n' | tr 'A-Z' 'a-z' | sed '/^$/d' | sort | uniq -c | sort -k1,1nr -k2 > theirs
      test -s theirs && cmp ours theirs
      """)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.errors == "", sourceLocation: sourceLocation)
  }

  @Test func theCountsOfThisRepositorysTextsAreThoseOfTheStandardTools() throws {
    let root = quoted(parent(parent(parent(#filePath))))
    _ = try workshop.shell(
      """
      n=0
      for text in \(root)/LICENSE \(root)/*.md \(root)/Guides/*.md; do
        test -f "$text" && cp "$text" text-$((n += 1))
      done
      """)
    try expectTheSameWords("wordcount --all text-*", "text-*")
  }

  @Test func theCountsOfALargeFileAreThoseOfTheStandardTools() throws {
    try workshop.write(pseudoRandomText(megabytes: corpusMegabytes), to: "corpus")
    try expectTheSameWords("wordcount --all corpus", "corpus")
    try expectTheSameWords("cat corpus | wordcount --all --counters 3", "corpus")
  }

  @Test(arguments: [(1, 1), (1, 4), (3, 1), (64, 64)])
  func anyNumberOfReadersAndCountersFindsTheSameWords(readers: Int, counters: Int) throws {
    let text = pseudoRandomText(megabytes: 1)
    let files = (0..<20).map { "part-\($0)" }
    for (index, file) in files.enumerated() {
      try workshop.write(text[(index * text.count / 20)..<((index + 1) * text.count / 20)], to: file)
    }
    let list = files.joined(separator: " ")
    try expectTheSameWords("wordcount --all --readers \(readers) --counters \(counters) \(list)", list)
  }
}

/// Depends on the build: unoptimised code takes long, and sanitized code longer.
///
/// `WORDCOUNT_CORPUS_MEGABYTES` in the environment decides otherwise.
private let corpusMegabytes: Int = {
  if let wanted = environment("WORDCOUNT_CORPUS_MEGABYTES").flatMap({ Int($0) }) { return wanted }
  if cs_sanitizer() != 0 { return 2 }
  #if DEBUG
    return 5
  #else
    return 50
  #endif
}()

/// A reproducible text: frequent and rare words of a large vocabulary, in either case, with all kinds of separators.
private func pseudoRandomText(megabytes: Int) -> [UInt8] {
  var random = Generator(state: 42)
  let vocabulary = (0..<30_000).map { _ in
    (0..<(1 + random.next(14))).map { _ in UInt8(random.next(2) * 32 + 65 + random.next(26)) }
  }
  let separators = [" ", "\n", ", ", " -- ", "'", "0", "\u{E9}", ".\n\n"].map { Array($0.utf8) }
  let size = megabytes * 1_000_000
  var text: [UInt8] = []
  text.reserveCapacity(size + 64)
  while text.count < size {
    // The product of two uniform distributions favours small numbers: some words are frequent, most are rare.
    text += vocabulary[random.next(vocabulary.count) * random.next(1000) / 1000]
    text += random.next(8) > 0 ? separators[0] : separators[random.next(separators.count)]
  }
  return text
}

/// A linear congruential generator (Knuth, MMIX).
private struct Generator {
  var state: UInt64

  mutating func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }
}
