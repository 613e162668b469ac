import Nursery
import Testing

/// What holds of every operator, wherever it stands.
@Suite struct PipelineLawTests {
  @Test(arguments: PassingOperator.all, parallelisms)
  func elementsPassInOrderToTheEnd(_ op: PassingOperator, workers: Int) throws {
    try virtually(workers) {
      let log = Log<String>()
      let flow = op.apply(slowSource(5, log))
      try expectEqual(flow.collect(), [0, 1, 2, 3, 4])
      // Each run begins anew.
      try expectEqual(flow.fold(0) { $0 + $1 }, 10)
      #expect(log.entries == ["unwound", "unwound"])
      try expectEqual(op.apply([].pipeline()).collect(), [])
    }
  }

  @Test(arguments: PassingOperator.all, parallelisms)
  func anUpstreamErrorArrivesAfterTheElementsBeforeIt(_ op: PassingOperator, workers: Int) throws {
    try virtually(workers) {
      // swift-async-algorithms 269 and 450: also if the loop is busy when it happens.
      for pause in [Duration.zero, .seconds(30)] {
        let log = Log<String>()
        var elements: [Int] = []
        expectThrows(Oops(3)) {
          try op.apply(slowSource(3, log, then: Oops(3))).forEach {
            elements.append($0)
            try sleep(for: pause)
          }
        }
        #expect(elements == [0, 1, 2])
        #expect(log.entries == ["unwound"])
      }
      let failing = Flow<Int> { _ in throw Oops(1) }
      expectThrows(Oops(1)) { try op.apply(failing).collect() }
    }
  }

  @Test(arguments: PassingOperator.all)
  func aCancellationErrorOfTheSourceEndsThePipeline(_ op: PassingOperator) throws {
    try virtually {
      var elements: [Int] = []
      expectThrows(CancellationError.self) {
        try op.apply(slowSource(2, Log(), then: CancellationError())).forEach { elements.append($0) }
      }
      #expect(elements == [0, 1])
      #expect(!Fiber.isCancelled)
    }
  }

  @Test(arguments: PassingOperator.all, parallelisms)
  func leavingTheLoopCancelsWhatIsUpstreamAndWaitsForIt(_ op: PassingOperator, workers: Int) throws {
    try virtually(workers) {
      let log = Log<String>()
      let flow = op.apply(slowSource(.max, log))
      try expectEqual(flow.first(), 0)
      #expect(log.entries.count == 1)
      try expectEqual(flow.prefix(2).collect(), [0, 1])
      #expect(log.entries.count == 2)
      expectThrows(Oops(7)) { try flow.forEach { _ in throw Oops(7) } }
      #expect(log.entries.count == 3)
      try withPipeline(flow) { elements in
        for element in elements where element == 1 { break }
      }
      #expect(log.entries.count == 4)
    }
  }

  @Test(arguments: PassingOperator.all, parallelisms)
  func aCancelledScopeEndsThePipeline(_ op: PassingOperator, workers: Int) throws {
    try virtually(workers) {
      let log = Log<String>()
      let flow = op.apply(slowSource(.max, log))
      var elements: [Int] = []
      expectThrows(TimeoutError.self) {
        try withTimeout(.milliseconds(3700)) { try flow.forEach { elements.append($0) } }
      }
      // The last chunk of two is not full.
      #expect(elements == (op.testDescription == "chunked" ? [0, 1] : [0, 1, 2]))
      #expect(log.entries == ["unwound"])
      try withCancelScope { scope in
        scope.cancel()
        expectThrows(CancellationError.self) { try flow.collect() }
        expectThrows(CancellationError.self) { try flow.elements() }
        expectThrows(CancellationError.self) { try op.apply((0...).pipeline()).collect() }
      }
      #expect(log.entries == ["unwound"])
    }
  }

  /// Nothing waits in it, so only the source can notice the cancellation.
  @Test(arguments: PassingOperator.fused)
  func aPipelineThatNeverWaitsCanBeCancelled(_ op: PassingOperator) throws {
    // A tee's channel holds a hundred elements.
    if op.testDescription == "tee" || op.testDescription == "prefix" { return }
    try virtually {
      let result: Void? = try withCancelScope { scope in
        try op.apply((0...).pipeline()).forEach { if $0 == 1000 { scope.cancel() } }
      }
      #expect(result == nil)
    }
  }

  @Test(arguments: PassingOperator.all)
  func aLoopWithoutAScopeLeavesItsChildrenToTheNurseryAround(_ op: PassingOperator) throws {
    try virtually {
      let log = Log<String>()
      try withNursery { _ in
        let elements = try op.apply(slowSource(.max, log)).elements()
        for element in elements where element == 2 { break }
        elements.stop()
        #expect(elements.next() == nil)
        try elements.finish()
      }
      #expect(log.entries == ["unwound"])
      try withNursery { _ in
        let elements = try op.apply(slowSource(2, log, then: Oops(2))).elements()
        #expect(Array(elements) == [0, 1])
        expectThrows(Oops(2)) { try elements.finish() }
      }
    }
  }

  @Test(arguments: PassingOperator.concurrent)
  func noScheduleLosesAnElementOrAnError(_ op: PassingOperator) throws {
    // Elements that come at once may be dropped by these on purpose.
    if ["debounce", "throttle", "sample", "combineLatest"].contains(op.testDescription) { return }
    try exploreSchedules(.pct(count: 60, seed: 7)) {
      let source = Flow<Int> { yielder in
        for number in 0..<3 { try yielder.yield(number) }
        throw Oops(3)
      }
      var elements: [Int] = []
      try holdThrows(Oops.self) { try op.apply(source).forEach { elements.append($0) } }
      let isOrdered = !["unordered concurrentMap", "groupBy"].contains(op.testDescription)
      try hold((isOrdered ? elements : elements.sorted()) == [0, 1, 2], "\(elements)")
    }
  }

  @Test(arguments: PassingOperator.all)
  func aCancellationAtAnyCallUnwindsTheSource(_ op: PassingOperator) throws {
    let calls = try exploreCancellations {
      Log<String>()
    } body: { log in
      let begun = Flow<Int> { yielder in
        log.append("begun")
        defer { log.append("unwound") }
        for number in 0..<2 {
          try sleep(for: .seconds(1))
          try yielder.yield(number)
        }
      }
      try op.apply(begun).forEach { _ in }
    } check: { log, isCompleted in
      let entries = log.entries
      try hold(entries == ["begun", "unwound"] || !isCompleted && entries.isEmpty, "\(entries)")
    }
    #expect(calls > 0)
  }
}
