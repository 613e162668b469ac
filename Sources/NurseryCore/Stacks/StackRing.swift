/// Free stacks in the order in which they were given back: taken hottest first, returned to the kernel coldest first.
///
/// A ring, so that both ends cost the same however many there are, and nothing is read from the stacks themselves:
/// those at the cold end have long left the caches.
struct StackRing: ~Copyable {
  private var slots: UnsafeMutablePointer<StackRef>
  /// A power of two.
  private var capacity = 64
  private var coldest = 0
  private(set) var count = 0

  init() { slots = .allocate(capacity: capacity) }

  deinit { slots.deallocate() }

  /// Adds a chain of `added` stacks linked through `nextFree`, the hottest first.
  mutating func push(_ first: StackRef, count added: Int) {
    while count + added > capacity { grow() }
    count += added
    var next: StackRef? = first
    var index = 0
    while let stack = next {
      next = stack.pointee.nextFree
      index += 1
      (slots + (coldest + count - index) & (capacity - 1)).initialize(to: stack)
    }
  }

  mutating func popHottest() -> StackRef? {
    guard count > 0 else { return nil }
    count -= 1
    return slots[(coldest + count) & (capacity - 1)]
  }

  mutating func popColdest() -> StackRef? {
    guard count > 0 else { return nil }
    defer { coldest = (coldest + 1) & (capacity - 1) }
    count -= 1
    return slots[coldest]
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<StackRef>.allocate(capacity: capacity * 2)
    let upTo = capacity - coldest
    larger.initialize(from: slots + coldest, count: upTo)
    (larger + upTo).initialize(from: slots, count: coldest)
    slots.deallocate()
    slots = larger
    coldest = 0
    capacity *= 2
  }
}
