import Testing

@testable import NurseryCore

/// The buckets of a histogram.
struct HistogramTests {
  private func histogram(_ values: [Int64]) -> DurationHistogram {
    let counts = DurationCounts()
    for value in values { counts.add(value) }
    var histogram = DurationHistogram()
    histogram.add(counts)
    return histogram
  }

  @Test func aDurationIsBelowTheBoundOfItsBucketAndNotFarBelow() {
    var values: [Int64] = Array(0..<100)
    for exponent in 7..<42 {
      for part: Int64 in 0..<9 { values.append((1 << Int64(exponent)) / 8 * (8 + part) - part % 2) }
    }
    for value in values {
      let bound = DurationHistogram.upperBound(of: DurationHistogram.bucket(of: value))
      #expect(value < bound)
      #expect(bound - value <= max(1, value / 4 + 1), "\(value) is in the bucket below \(bound)")
    }
  }

  @Test func theBoundsGrow() {
    let bounds = (0..<DurationHistogram.bucketCount).map { DurationHistogram.upperBound(of: $0) }
    #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test func durationsBeyondTheLastBoundAreInTheLastBucket() {
    #expect(DurationHistogram.bucket(of: .max) == DurationHistogram.bucketCount - 1)
    #expect(DurationHistogram.bucket(of: -1) == 0)
  }

  @Test func quantilesSumsAndCountsAreThoseOfTheDurations() {
    let values = histogram(Array(1...1000).map { $0 * 1000 })
    #expect(values.count == 1000)
    #expect(values.sum == .microseconds(500_500))
    #expect((.microseconds(500) ... .microseconds(630)).contains(values.quantile(0.5)!))
    #expect((.microseconds(990) ... .microseconds(1250)).contains(values.quantile(0.99)!))
    #expect(values.count(below: .seconds(1)) == 1000)
    #expect(values.count(below: .nanoseconds(1000)) == 0)
    #expect(histogram([]).quantile(0.5) == nil)
    #expect(values.buckets.map(\.count).reduce(0, +) == 1000)
  }

  @Test func theDifferenceOfTwoReadingsIsWhatCameBetween() {
    let later = histogram([5, 5, 70, 900]).since(histogram([5, 70]))
    #expect(later.count == 2)
    #expect(later.sum == .nanoseconds(905))
  }
}
