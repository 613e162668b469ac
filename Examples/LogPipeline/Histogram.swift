/// How often which latency came, in a fixed amount of memory: percentiles are exact to 3%.
struct Histogram: Sendable {
  private static let stepsPerDoubling = 16
  /// The first 16 counts are single microseconds; after them, each doubling is divided into 16 steps.
  private var counts: [Int] = []
  private(set) var count = 0
  private(set) var longest = Duration.zero

  mutating func add(_ latency: Duration) {
    let place = Self.place(latency.microseconds)
    if place >= counts.count { counts += repeatElement(0, count: place + 1 - counts.count) }
    counts[place] += 1
    count += 1
    longest = max(longest, latency)
  }

  /// The latency that this part of all answers did not exceed.
  func percentile(_ part: Double) -> Duration {
    var left = Int((part * Double(count)).rounded(.up))
    for (place, count) in counts.enumerated() {
      left -= count
      if left <= 0, count > 0 { return min(.microseconds(Self.middle(place)), longest) }
    }
    return longest
  }

  private static func place(_ microseconds: Int) -> Int {
    guard microseconds >= stepsPerDoubling else { return max(0, microseconds) }
    let shift = Int.bitWidth - microseconds.leadingZeroBitCount - 5
    return shift * stepsPerDoubling + microseconds >> shift
  }

  private static func middle(_ place: Int) -> Int {
    guard place >= 2 * stepsPerDoubling else { return place }
    let shift = place / stepsPerDoubling - 1
    return (place - shift * stepsPerDoubling) << shift + (1 << shift) / 2
  }
}

extension Duration {
  /// The whole microseconds.
  var microseconds: Int { Int(components.seconds) * 1_000_000 + Int(components.attoseconds / 1_000_000_000_000) }
}
