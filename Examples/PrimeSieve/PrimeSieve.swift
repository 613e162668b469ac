import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Prints the first primes with a chain of fibers, each of which passes on the numbers that its prime does not divide.
///
///     prime-sieve [COUNT]
///
///     2, 3, 4, ... ──> not by 2 ──> not by 3 ──> not by 5 ──> ...
///
/// A number that arrives at the end of the chain is the next prime, and the chain gets a filter for it. The idea is
/// Doug McIlroy's; the program is a classic of Go.
@main
struct PrimeSieve {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count <= 1, let count = Int(arguments.first ?? "100"), count > 0 else {
      let usage = "usage: prime-sieve [COUNT]\nprints the first COUNT primes: at least 1, or 100 if it is left out\n"
      write(STDERR_FILENO, usage, usage.utf8.count)
      exit(2)
    }
    try withNursery("sieve") { nursery in
      var end = numbers(in: nursery)
      for _ in 0..<count {
        let prime = try end.receive()
        print(prime)
        end = filter(end, by: prime, in: nursery)
      }
      // Every fiber waits to send or to receive, and would do so for ever.
      nursery.cancel()
    }
  }
}

/// A channel of the natural numbers from 2 up.
func numbers(in nursery: Nursery) -> Channel<Int> {
  let output = Channel<Int>()
  nursery.goAsync("numbers") {
    for number in 2... { try output.send(number) }
  }
  return output
}

/// A channel of the numbers that the prime does not divide.
func filter(_ input: Channel<Int>, by prime: Int, in nursery: Nursery) -> Channel<Int> {
  let output = Channel<Int>()
  nursery.goAsync("not by \(prime)") {
    for number in input where !number.isMultiple(of: prime) { try output.send(number) }
  }
  return output
}
