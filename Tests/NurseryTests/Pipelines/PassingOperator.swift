import Nursery
import Testing

/// An operator in a form that passes elements on as they are, if they come a second apart: what holds of one has to
/// hold of all.
struct PassingOperator: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let apply: @Sendable (Flow<Int>) -> Flow<Int>

  init(_ name: String, _ apply: @escaping @Sendable (Flow<Int>) -> Flow<Int>) {
    testDescription = name
    self.apply = apply
  }

  /// Those that run in the fiber of the loop.
  static let fused: [PassingOperator] = [
    PassingOperator("map") { $0.map { $0 } },
    PassingOperator("filter") { $0.filter { _ in true } },
    PassingOperator("compactMap") { $0.compactMap { Optional($0) } },
    PassingOperator("scan") { $0.scan(0) { $1 } },
    PassingOperator("prefix") { $0.prefix(100) },
    PassingOperator("prefix while") { $0.prefix { _ in true } },
    PassingOperator("dropFirst") { $0.dropFirst(0) },
    PassingOperator("drop while") { $0.drop { _ in false } },
    PassingOperator("distinct") { $0.distinct() },
    PassingOperator("chunked") { $0.chunked(count: 2).flatMap { $0 } },
    PassingOperator("timeout") { $0.timeout(.seconds(60)) },
    PassingOperator("flatMap") { $0.flatMap { [$0].pipeline() } },
    PassingOperator("flatMap to sequences") { $0.flatMap { [$0] } },
    PassingOperator("concat") { [].pipeline().concat($0, [].pipeline()) },
    PassingOperator("tee") { $0.tee(to: Channel(.bounded(100))) },
    PassingOperator("partition") { $0.partition(to: Channel()) { _ in false } },
  ]

  /// Those that run what is upstream in a child.
  static let concurrent: [PassingOperator] = [
    PassingOperator("retry") { $0.retry(.constant(.zero, attempts: 1)) },
    PassingOperator("buffer of 1") { $0.buffer(1) },
    PassingOperator("buffer of 3") { $0.buffer(3) },
    PassingOperator("merge") { $0.merge([].pipeline()) },
    PassingOperator("concurrentMap of 1") { $0.concurrentMap(limit: 1) { $0 } },
    PassingOperator("concurrentMap") { $0.concurrentMap(limit: 3) { $0 } },
    PassingOperator("unordered concurrentMap") { $0.concurrentMap(limit: 3, ordered: false) { $0 } },
    PassingOperator("zip") { $0.zip((0...).pipeline()).map { $0.0 } },
    PassingOperator("zip from the other side") { (0...).pipeline().zip($0).map { $0.1 } },
    PassingOperator("combineLatest") { $0.combineLatest([0].pipeline()).map { $0.0 } },
    PassingOperator("until") { $0.until { Op<Void>.never } },
    PassingOperator("chunked by time") { $0.chunked(count: 9, orAfter: .milliseconds(100)).flatMap { $0 } },
    PassingOperator("debounce") { $0.debounce(for: .milliseconds(500)) },
    PassingOperator("throttle") { $0.throttle(for: .milliseconds(500)) },
    PassingOperator("sample") { $0.sample(every: .milliseconds(300)) },
    PassingOperator("groupBy") { $0.groupBy(limit: 9, { $0 }) { _, elements in try elements.receive() } },
    PassingOperator("three of them") { $0.buffer(2).map { $0 }.concurrentMap(limit: 2) { $0 }.merge([].pipeline()) },
  ]

  static let all = fused + concurrent
}

/// A source whose elements come a second apart, and which notes that it has been unwound.
func slowSource(_ count: Int, _ log: Log<String>, then error: (any Error)? = nil) -> Flow<Int> {
  Flow { yielder in
    defer { log.append("unwound") }
    for number in 0..<count {
      try sleep(for: .seconds(1))
      try yielder.yield(number)
    }
    if let error { throw error }
  }
}
