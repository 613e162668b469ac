/// How many durations of each length there were.
///
/// The buckets grow with the duration: four for each power of two of nanoseconds. So a bucket is at most a quarter as
/// wide as its bound, from nanoseconds to minutes.
public struct DurationHistogram: Sendable, Hashable {
  /// Some durations of about the same length.
  public struct Bucket: Sendable, Hashable {
    /// They were shorter than this.
    public let upperBound: Duration
    /// How many they were.
    public let count: Int
  }

  /// Where in `counts` a duration is counted: its highest bit, and the two bits that follow.
  static let bucketCount = 168

  /// By bucket.
  private var counts = [UInt64](repeating: 0, count: bucketCount)
  /// The nanoseconds of all together.
  private var total: Int64 = 0

  init() {}

  /// All together took this long.
  public var sum: Duration { .nanoseconds(total) }

  /// How many durations there were.
  public var count: Int { Int(counts.reduce(0, +)) }

  /// The buckets that are not empty, shortest first.
  public var buckets: [Bucket] {
    counts.indices.filter { counts[$0] > 0 }.map { index in
      Bucket(upperBound: .nanoseconds(Self.upperBound(of: index)), count: Int(counts[index]))
    }
  }

  /// How many of them were shorter than `bound`, to within a bucket.
  public func count(below bound: Duration) -> Int {
    let bound = bound.nanosecondsClamped
    return Int(counts.indices.reduce(into: 0 as UInt64) { if Self.upperBound(of: $1) <= bound { $0 += counts[$1] } })
  }

  /// The bound below which this part of them lies, rounded up to a bucket; nil if there are none.
  ///
  /// - Parameter part: from 0 to 1; 0.99 for the duration that one in a hundred exceeds.
  public func quantile(_ part: Double) -> Duration? {
    let wanted = (Double(count) * min(max(part, 0), 1)).rounded(.up)
    var passed = 0
    for bucket in buckets {
      passed += bucket.count
      if Double(passed) >= wanted { return bucket.upperBound }
    }
    return nil
  }

  /// What was counted since an earlier reading of the same histogram.
  public func since(_ earlier: DurationHistogram) -> DurationHistogram {
    var later = self
    for index in counts.indices { later.counts[index] &-= earlier.counts[index] }
    later.total &-= earlier.total
    return later
  }

  mutating func add(_ reading: borrowing DurationCounts) {
    for index in counts.indices { counts[index] &+= reading[index] }
    total &+= reading.total
  }

  /// Durations from about two hours on are counted in the last bucket.
  static func bucket(of nanoseconds: Int64) -> Int {
    let value = UInt64(max(0, nanoseconds))
    if value < 4 { return Int(value) }
    let exponent = 63 - value.leadingZeroBitCount
    return min((exponent - 1) * 4 + Int(value >> UInt64(exponent - 2) & 3), bucketCount - 1)
  }

  static func upperBound(of bucket: Int) -> Int64 {
    let next = bucket + 1
    if next < 4 { return Int64(next) }
    return Int64(4 + next & 3) << Int64(next / 4 - 1)
  }
}
