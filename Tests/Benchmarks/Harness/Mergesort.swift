/// The sequential part of a parallel merge sort: memory to sort, and the same amount to merge into.
///
/// Pieces that are sorted at the same time do not overlap; the compiler cannot check that.
public struct Mergesort: @unchecked Sendable {
  private let items: UnsafeMutablePointer<Int>
  private let spare: UnsafeMutablePointer<Int>
  /// How many numbers there are.
  public let count: Int

  private init(_ items: UnsafeMutablePointer<Int>, _ spare: UnsafeMutablePointer<Int>, count: Int) {
    (self.items, self.spare, self.count) = (items, spare, count)
  }

  /// Makes numbers in a random order, the same each time; `free` frees the memory.
  public init(count: Int) {
    self.init(.allocate(capacity: count), .allocate(capacity: count), count: count)
    var state: UInt64 = 42
    for i in 0..<count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      items[i] = Int(state >> 33)
    }
    spare.initialize(repeating: 0, count: count)
  }

  /// Frees the memory.
  public func free() {
    items.deallocate()
    spare.deallocate()
  }

  /// Whether no number is larger than the one after it.
  public var isSorted: Bool { (1..<count).allSatisfy { items[$0 - 1] <= items[$0] } }
  /// The lower half as a separate piece.
  public var lower: Mergesort { Mergesort(items, spare, count: count / 2) }
  /// The upper half as a separate piece.
  public var upper: Mergesort { Mergesort(items + count / 2, spare + count / 2, count: count - count / 2) }

  /// Sorts, on this thread alone.
  public func sort() {
    if count <= 24 { return sortByInsertion() }
    lower.sort()
    upper.sort()
    merge()
  }

  /// Makes one sorted piece of the two halves.
  public func merge() {
    let middle = count / 2
    if items[middle - 1] <= items[middle] { return }
    // Only the lower half has to move out of the way.
    spare.update(from: items, count: middle)
    var (low, high, next) = (0, middle, 0)
    while low < middle, high < count {
      if items[high] < spare[low] {
        items[next] = items[high]
        high += 1
      } else {
        items[next] = spare[low]
        low += 1
      }
      next += 1
    }
    (items + next).update(from: spare + low, count: middle - low)
  }

  private func sortByInsertion() {
    for i in 1..<max(1, count) {
      let item = items[i]
      var hole = i
      while hole > 0, items[hole - 1] > item {
        items[hole] = items[hole - 1]
        hole -= 1
      }
      items[hole] = item
    }
  }
}
