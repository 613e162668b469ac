import Nursery
import Testing

#if !DEBUG
  /// Allocations of pipelines, in optimised code.
  @Suite struct PipelineAllocationTests {
    /// How many heap blocks a run of this flow allocates.
    private func allocationsOfARun(_ flow: Flow<Int>) throws -> Double? {
      try allocations(repetitions: 100) { _ = try flow.fold(0) { $0 &+ $1 } }
    }

    @Test func aRunAllocatesOneObjectForEachOperatorAndNothingForAnElement() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let source = (0..<1000).pipeline()
        let operators: [(String, Flow<Int>)] = [
          ("map", source.map { $0 + 1 }), ("filter", source.filter { $0 != 3 }),
          ("compactMap", source.compactMap { $0 == 3 ? nil : $0 }), ("scan", source.scan(0) { $0 &+ $1 }),
          ("prefix", source.prefix(900)), ("prefix while", source.prefix { $0 < 900 }),
          ("dropFirst", source.dropFirst(5)), ("drop while", source.drop { $0 < 5 }), ("distinct", source.distinct()),
          ("timeout", source.timeout(.seconds(3600))),
        ]
        guard let bare = try allocationsOfARun(source) else { return }
        for (name, flow) in operators {
          let count = try allocationsOfARun(flow)!
          #expect(count <= bare + 1.05, "\(name): \(count - bare) objects")
        }
        let five = source.map { $0 + 1 }.filter { $0 != 3 }.scan(0) { $0 &+ $1 }.dropFirst(5).distinct()
        try #expect(allocationsOfARun(five)! <= bare + 5.05)
      }
    }

    @Test func elementsOfAChildAllocateNothing() throws {
      let operators: [(String, @Sendable (Flow<Int>) -> Flow<Int>)] = [
        ("buffer", { $0.buffer(8) }), ("merge", { $0.merge([].pipeline()) }),
        ("concurrentMap", { $0.concurrentMap(limit: 4) { $0 } }),
        ("unordered concurrentMap", { $0.concurrentMap(limit: 4, ordered: false) { $0 } }),
        ("zip", { $0.zip((0...).pipeline()).map { $0.0 } }),
        ("combineLatest", { $0.combineLatest([0].pipeline()).map { $0.0 } }),
        ("until", { $0.until { Op<Void>.never } }),
        ("debounce", { $0.debounce(for: .seconds(3600)) }), ("throttle", { $0.throttle(for: .zero) }),
        ("sample", { $0.sample(every: .seconds(3600)) }), ("retry", { $0.retry(.constant(.zero, attempts: 3)) }),
        ("groupBy", { $0.groupBy(limit: 3, { $0 % 3 }) { _, numbers in try numbers.pipeline().fold(0) { $0 &+ $1 } } }),
      ]
      try runFibers(Configuration(parallelism: 1)) {
        for (name, apply) in operators {
          guard let few = try allocationsOfARun(apply((0..<10).pipeline())) else { return }
          let many = try allocationsOfARun(apply((0..<1010).pipeline()))!
          // A dictionary or an array may grow.
          #expect(many - few <= 10, "\(name): \((many - few) / 1000) an element")
        }
      }
    }
  }
#endif
