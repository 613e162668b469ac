/// A worker's free stacks, the hottest first.
struct StackCache {
  private var first: StackRef?
  private(set) var count = 0

  @inline(__always)
  mutating func take() -> StackRef? {
    guard let stack = first else { return nil }
    first = stack.pointee.nextFree
    count &-= 1
    return stack
  }

  @inline(__always)
  mutating func keep(_ stack: StackRef) {
    stack.pointee.nextFree = first
    first = stack
    count &+= 1
  }

  /// Takes out all but the hottest `kept`, as a chain.
  mutating func takeSurplus(keeping kept: Int) -> (first: StackRef, count: Int)? {
    guard count > kept, var surplus = first else { return nil }
    var last: StackRef?
    for _ in 0..<kept {
      last = surplus
      surplus = surplus.pointee.nextFree!
    }
    if let last { last.pointee.nextFree = nil } else { first = nil }
    defer { count = kept }
    return (surplus, count - kept)
  }
}
