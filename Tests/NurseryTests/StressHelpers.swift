#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How much longer than usual the stress tests run: the environment's NURSERY_STRESS.
let stressFactor = getenv("NURSERY_STRESS").flatMap { Int(String(cString: $0)) } ?? 1

/// A source of numbers that differ from fiber to fiber and are the same every time (splitmix64).
struct Dice {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 }

  mutating func roll(_ sides: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((bits ^ (bits >> 31)) % UInt64(sides))
  }
}

/// Sums that must agree in the end.
final class Ledger: Sendable {
  let sent = Counter()
  let received = Counter()
}
