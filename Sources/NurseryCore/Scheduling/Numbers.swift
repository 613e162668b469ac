import Synchronization

/// A worker's random numbers, and its numbers for fibers.
struct Numbers {
  private var bits: UInt64
  private var nextID: UInt64 = 0
  private var lastID: UInt64 = 0

  private static let blockSize: UInt64 = 1024
  private static let nextBlock = Atomic<UInt64>(1)

  init(seed: UInt64) { bits = seed | 1 }

  /// A number that cannot be predicted and the seed determines (xorshift64*, Vigna 2016).
  mutating func nextRandom() -> UInt64 {
    bits ^= bits >> 12
    bits ^= bits << 25
    bits ^= bits >> 27
    return bits &* 0x2545_F491_4F6C_DD1D
  }

  /// A fiber's number, from a block that each worker takes for itself.
  mutating func makeID() -> UInt64 {
    if nextID == lastID {
      nextID = Self.nextBlock.wrappingAdd(Self.blockSize, ordering: .relaxed).oldValue
      lastID = nextID + Self.blockSize
    }
    defer { nextID += 1 }
    return nextID
  }
}
