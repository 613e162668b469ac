import Testing

@Suite struct PrimeSieveTests {
  @Test func itPrintsTheFirstHundredPrimes() throws {
    let outcome = try Workshop().shell("prime-sieve")
    #expect(outcome.status == 0)
    #expect(outcome.output == lines(firstPrimes(100)))
    #expect(outcome.errors == "")
  }

  @Test(arguments: [1, 2, 250]) func itPrintsAsManyPrimesAsItIsAskedFor(count: Int) throws {
    let outcome = try Workshop().shell("prime-sieve \(count)")
    #expect(outcome.status == 0)
    #expect(outcome.output == lines(firstPrimes(count)))
  }

  @Test(arguments: ["0", "-1", "many", "''", "3 4"]) func aBadArgumentIsAnsweredWithTheUsage(argument: String) throws {
    let outcome = try Workshop().shell("prime-sieve \(argument)")
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(outcome.errors.hasPrefix("usage: prime-sieve"))
  }
}

private func firstPrimes(_ count: Int) -> [Int] {
  var primes: [Int] = []
  var candidate = 2
  while primes.count < count {
    if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
    candidate += 1
  }
  return primes
}

private func lines(_ numbers: [Int]) -> String { numbers.map { "\($0)\n" }.joined() }
