import Testing

/// `shell-pipeline`, run as a user would.
struct ShellPipelineTests {
  private let workshop: Workshop

  init() throws { workshop = try Workshop() }

  @Test func withoutACommandItCountsWords() throws {
    try workshop.write("the cat and the dog and the bird\n", to: "text")
    let outcome = try workshop.shell("shell-pipeline < text")
    #expect(
      outcome.output.split(separator: "\n").prefix(2).map { $0.split(separator: " ") } == [
        ["3", "the"], ["2", "and"],
      ])
    #expect(outcome.status == 0)
    #expect(outcome.errors == "")
  }

  @Test func theStatusIsTheShells() throws {
    #expect(try workshop.shell("shell-pipeline sh -c 'exit 3' '|' cat").status == 3)
    #expect(try workshop.shell("shell-pipeline yes '|' head -n 1").status == 0)
    #expect(try workshop.shell("shell-pipeline sh -c 'kill -KILL $$'").status == 137)
    #expect(try workshop.shell("shell-pipeline no-such-program").status == 127)
    #expect(try workshop.shell("shell-pipeline cat '|' '|' cat").status == 2)
  }

  @Test func muchPassesThrough() throws {
    let outcome = try workshop.shell("head -c 3000000 /dev/zero | shell-pipeline cat '|' cat | wc -c")
    #expect(outcome.output == "3000000\n")
  }

  @Test func whenTheTimeIsOverNothingIsLeft() throws {
    let outcome = try workshop.shell(
      "shell-pipeline --timeout 0.05 sh -c 'setsid sleep 1000.01 & wait' '|' cat; echo $?; pgrep -fx 'sleep 1000.01'")
    #expect(outcome.output == "124\n")
    #expect(outcome.errors.contains("TimeoutError") || outcome.errors.contains("time"))
  }

  @Test func controlCEndsEverything() throws {
    let outcome = try workshop.shell(
      """
      mkfifo ready
      sh -c 'trap - INT; exec shell-pipeline sh -c "echo > ready; (setsid sleep 1000.02 &); sleep 1000.02"' &
      read line < ready
      kill -INT $!
      wait $!
      echo $?
      pgrep -fx 'sleep 1000.02'
      """)
    #expect(outcome.output == "130\n")
    #expect(outcome.errors == "shell-pipeline: interrupted\n")
  }

  @Test func aMissingStandardStreamIsAnErrorAndHangsNothing() throws {
    let outcome = try workshop.shell(
      "timeout 60 shell-pipeline cat <&-; echo $?; timeout 60 shell-pipeline echo lost >&-; echo $?")
    #expect(outcome.output == "1\n127\n")
    #expect(outcome.errors.contains("standard input, without which this process was started"))
    #expect(outcome.errors.contains("give it standard output, without which this process was started"))
  }

  /// After a crash only the keeper can end the tree.
  @Test func aCrashLeavesNothingBehindEither() throws {
    let outcome = try workshop.shell(
      """
      mkfifo ready
      shell-pipeline sh -c '(setsid sh -c "trap : TERM HUP; echo > ready; sleep 1000.03" &); sleep 1000.03' &
      read line < ready
      kill -KILL $!
      tries=0
      while pgrep -f 'sleep 1000.03$' > /dev/null && test $tries -lt 200; do sleep 0.05; tries=$((tries + 1)); done
      pgrep -fl 'sleep 1000.03$'
      echo done
      """)
    #expect(outcome.output == "done\n")
  }
}
