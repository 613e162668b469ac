import Synchronization

/// The counts of a `DurationHistogram` that grow while others read them.
struct DurationCounts: ~Copyable {
  private let counts: UnsafeMutablePointer<Atomic<UInt64>>
  private let sum = Atomic<Int64>(0)

  init() {
    counts = .allocate(capacity: DurationHistogram.bucketCount)
    for index in 0..<DurationHistogram.bucketCount { (counts + index).initialize(to: Atomic(0)) }
  }

  deinit { counts.deallocate() }

  /// Called by one thread only: two loads and two stores.
  @inline(__always)
  func add(_ nanoseconds: Int64) {
    let count = counts + DurationHistogram.bucket(of: nanoseconds)
    count.pointee.store(count.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    sum.store(sum.load(ordering: .relaxed) &+ max(0, nanoseconds), ordering: .relaxed)
  }

  /// Called by any thread.
  func addShared(_ nanoseconds: Int64) {
    counts[DurationHistogram.bucket(of: nanoseconds)].add(1, ordering: .relaxed)
    sum.add(max(0, nanoseconds), ordering: .relaxed)
  }

  subscript(index: Int) -> UInt64 { counts[index].load(ordering: .relaxed) }
  var total: Int64 { sum.load(ordering: .relaxed) }
}
