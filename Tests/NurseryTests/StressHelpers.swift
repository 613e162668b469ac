#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The factor by which the stress tests run longer than usual: NURSERY_STRESS in the environment.
let stressFactor = getenv("NURSERY_STRESS").flatMap { Int(String(cString: $0)) } ?? 1

/// A random generator with its own sequence for each fiber, the same in every run (splitmix64).
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

/// Two sums that must be equal at the end.
final class Ledger: Sendable {
  let sent = Counter()
  let received = Counter()
}
