import Testing

@Suite struct FibonacciTests {
  @Test func itPrintsTenNumbersAndThatItWasToldToQuit() throws {
    let outcome = try Workshop().shell("fibonacci")
    #expect(outcome.status == 0)
    #expect(outcome.output == "0\n1\n1\n2\n3\n5\n8\n13\n21\n34\nquit\n")
    #expect(outcome.errors == "")
  }
}
