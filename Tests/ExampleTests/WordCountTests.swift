import Testing

/// The output and exit status of `wordcount`.
@Suite struct WordCountTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  private func expectOutput(
    of command: String, _ output: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try workshop.shell(command)
    #expect(outcome.status == 0, sourceLocation: sourceLocation)
    #expect(outcome.output == output, sourceLocation: sourceLocation)
    #expect(outcome.errors == "", sourceLocation: sourceLocation)
  }

  // MARK: Words

  @Test func caseAndPunctuationDoNotMatter() throws {
    try workshop.write("The cat, the CAT & the-hat.\n", to: "text")
    try expectOutput(of: "wordcount text", "      3 the\n      2 cat\n      1 hat\n")
  }

  @Test func everyByteThatIsNoAsciiLetterSeparatesWords() throws {
    try workshop.write("a0b@c[d`e{f\u{0}g é h", to: "text")
    try expectOutput(
      of: "wordcount text", ["a", "b", "c", "d", "e", "f", "g", "h"].map { "      1 \($0)\n" }.joined())
  }

  @Test func equallyFrequentWordsAreInAlphabeticalOrder() throws {
    try workshop.write("pea apple peach pear applejack applejac b b peaches peachess", to: "text")
    let ones = ["apple", "applejac", "applejack", "pea", "peach", "peaches", "peachess", "pear"]
    try expectOutput(of: "wordcount text", "      2 b\n" + ones.map { "      1 \($0)\n" }.joined())
  }

  @Test func longWordsAreDistinguishedByTheirLastLetter() throws {
    try workshop.write("Internationalize internationalise internationaliZe internationali", to: "text")
    try expectOutput(
      of: "wordcount text",
      "      2 internationalize\n      1 internationali\n      1 internationalise\n")
  }

  @Test func aWordMayLieAcrossTheEndOfAChunk() throws {
    // Six bytes do not divide the size of any chunk.
    try workshop.write(String(repeating: "alpha ", count: 100_000), to: "text")
    try expectOutput(of: "wordcount text", " 100000 alpha\n")
    try expectOutput(of: "cat text | wordcount", " 100000 alpha\n")
  }

  @Test func aWordMayBeLongerThanAChunk() throws {
    let long = String(repeating: "x", count: 700_000)
    try workshop.write("a \(long) b \(long) \(long)y", to: "text")
    try expectOutput(of: "wordcount text", "      2 \(long)\n      1 a\n      1 b\n      1 \(long)y\n")
  }

  @Test func theEndOfAFileEndsAWord() throws {
    try workshop.write("one two", to: "first")
    try workshop.write("three one", to: "second")
    try expectOutput(of: "wordcount first second", "      2 one\n      1 three\n      1 two\n")
  }

  // MARK: Input

  @Test func withoutFilesStandardInputIsCounted() throws {
    try expectOutput(of: "echo b a b | wordcount", "      2 b\n      1 a\n")
  }

  @Test func aDashIsStandardInputTheFirstTimeItIsNamed() throws {
    try workshop.write("a c", to: "text")
    try expectOutput(of: "echo b a | wordcount - text -", "      2 a\n      1 b\n      1 c\n")
  }

  @Test func emptyInputHasNoWords() throws {
    try workshop.write("", to: "empty")
    try workshop.write("123 ...\n", to: "wordless")
    try expectOutput(of: "wordcount empty wordless", "")
    try expectOutput(of: "wordcount", "")
  }

  @Test func wordsThatAFifoDeliversInTimeAreCounted() throws {
    try expectOutput(of: "mkfifo fifo; echo a b a > fifo & wordcount --timeout 60 fifo", "      2 a\n      1 b\n")
  }

  // MARK: Options

  @Test func onlyAsManyWordsAsAskedForArePrinted() throws {
    let words = (0..<30).map { String(repeating: "w", count: $0 + 1) }
    try workshop.write(words.joined(separator: " "), to: "text")
    let options = ["": 20, "--top 0": 0, "--top 3": 3, "--top=29": 29, "--top 100": 30, "--all": 30]
    for (option, count) in options {
      let expected = words.prefix(count).map { "      1 \($0)\n" }.joined()
      try expectOutput(of: "wordcount \(option) text", expected)
    }
  }

  @Test func afterTwoDashesThereAreFilesOnly() throws {
    try workshop.write("word", to: "--all")
    try expectOutput(of: "wordcount -- --all", "      1 word\n")
  }

  @Test func helpGoesToStandardOutput() throws {
    let outcome = try workshop.shell("wordcount missing --help")
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("usage: wordcount"))
    #expect(outcome.errors == "")
  }

  @Test(arguments: [
    "--frequent", "-a", "--top", "--top ten", "--top -1", "--top=", "--readers 0", "--readers x", "--counters 0",
    "--counters 5000", "--timeout", "--timeout soon", "--timeout 0", "--timeout -1", "--timeout nan", "--timeout inf",
    "--all=yes", "--keep-going=1", "--top 99999999999999999999",
  ])
  func aBadOptionIsAnsweredWithTheUsage(options: String) throws {
    let outcome = try workshop.shell("wordcount \(options)")
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(outcome.errors.hasPrefix("wordcount: "))
    #expect(outcome.errors.contains("usage: wordcount"))
  }

  // MARK: Failures

  @Test(arguments: ["missing", "folder"]) func aFileThatCannotBeReadFailsTheRun(name: String) throws {
    try workshop.write("word", to: "text")
    let outcome = try workshop.shell("mkdir folder; wordcount text \(name) text")
    #expect(outcome.status == 1)
    #expect(outcome.output == "")
    #expect(outcome.errors.hasPrefix("wordcount: could not "))
    #expect(outcome.errors.contains(name))
  }

  @Test func keepingGoingTheOtherFilesAreCounted() throws {
    try workshop.write("word", to: "text")
    let outcome = try workshop.shell("mkdir folder; wordcount --keep-going missing text folder text gone")
    #expect(outcome.status == 1)
    #expect(outcome.output == "      2 word\n")
    let complaints = outcome.errors.split(separator: "\n")
    #expect(complaints.count == 3)
    for name in ["missing", "folder", "gone"] {
      #expect(complaints.contains { $0.hasPrefix("wordcount: could not ") && $0.contains(name) })
    }
  }

  @Test func aFifoWithoutAWriterRunsIntoTheTimeout() throws {
    try workshop.write("word", to: "text")
    let outcome = try workshop.shell("mkfifo silent; wordcount --timeout 0.2 text silent")
    #expect(outcome.status == 1)
    #expect(outcome.output == "")
    #expect(outcome.errors == "wordcount: silent was not delivered within 0.2 seconds\n")
  }

  @Test func keepingGoingAFileThatIsLateIsLeftOut() throws {
    try workshop.write("word", to: "text")
    let outcome = try workshop.shell("mkfifo silent; wordcount --timeout 0.2 --keep-going --readers 1 silent text")
    #expect(outcome.status == 1)
    #expect(outcome.output == "      1 word\n")
    #expect(outcome.errors == "wordcount: silent was not delivered within 0.2 seconds\n")
  }

  @Test func aReaderThatHasSeenEnoughIsNoFailure() throws {
    // The list is longer than the capacity of a pipe.
    let letters = "abcdefghijklmnopqrst".map { String($0) }
    let words = letters.flatMap { first in letters.flatMap { second in letters.map { first + second + $0 } } }
    try workshop.write(words.joined(separator: " "), to: "text")
    let outcome = try workshop.shell("{ wordcount --all text; echo status $? >&2; } | head -1")
    #expect(outcome.output == "      1 aaa\n")
    #expect(outcome.errors == "status 0\n")
  }

  /// Without /dev/full the test uses a closed output.
  @Test func outputThatCannotBeWrittenIsAFailure() throws {
    try workshop.write("word", to: "text")
    let outcome = try workshop.shell("if test -e /dev/full; then exec > /dev/full; else exec >&-; fi; wordcount text")
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("wordcount: could not write to standard output"))
  }
}
