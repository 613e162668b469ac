import Nursery
import Testing

/// Operators that do several things at a time.
@Suite struct PipelineConcurrencyTests {
  /// How many run at the same time, and the most there have been.
  private final class Gauge: Sendable {
    private let counts = Guarded((now: 0, most: 0))

    var most: Int { counts.withLock { $0.most } }

    func during<Value>(_ body: () throws -> Value) rethrows -> Value {
      counts.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      defer { counts.withLock { $0.now -= 1 } }
      return try body()
    }
  }

  @Test(arguments: parallelisms, [1, 3, 100, Int.max])
  func concurrentMapReachesItsLimitAndDoesNotExceedIt(workers: Int, limit: Int) throws {
    try virtually(workers) {
      for ordered in [true, false] {
        let gauge = Gauge()
        let start = FiberClock.now
        let squares = try (0..<12).pipeline().concurrentMap(limit: limit, ordered: ordered) { number in
          try gauge.during { try sleep(for: .seconds(1)) }
          return number * number
        }.collect()
        #expect((ordered ? squares : squares.sorted()) == (0..<12).map { $0 * $0 })
        #expect(gauge.most == min(limit, 12))
        #expect(FiberClock.now - start == .seconds((12 + min(limit, 12) - 1) / min(limit, 12)))
      }
    }
  }

  @Test(arguments: [true, false]) func concurrentMapTakesNoMoreThanItsLimitBeforeTheLoopAsks(ordered: Bool) throws {
    try virtually {
      let taken = Counter()
      let source = (0..<100).pipeline().map { number in
        taken.add()
        return number
      }
      var handedOut = 0
      try source.concurrentMap(limit: 4, ordered: ordered) { $0 }.prefix(50).forEach { _ in
        handedOut += 1
        try sleep(for: .seconds(1))
        #expect(taken.value <= handedOut + 4)
      }
    }
  }

  @Test func orderedResultsWaitForTheSlowAndUnorderedOnesDoNot() throws {
    try virtually {
      let pauses = [5, 1, 3].pipeline()
      let wait: @Sendable (Int) throws -> Int = { seconds in
        try sleep(for: .seconds(seconds))
        return seconds
      }
      try expectEqual(pauses.concurrentMap(limit: 3, wait).collect(), [5, 1, 3])
      try expectEqual(pauses.concurrentMap(limit: 3, ordered: false, wait).collect(), [1, 3, 5])
    }
  }

  @Test(arguments: parallelisms) func aFailedTransformEndsTheOthersAndNoErrorIsLost(workers: Int) throws {
    let suppressed = Log<Int>()
    let configuration = Configuration(
      parallelism: workers, clock: .virtual, onSuppressedError: { suppressed.append(($0 as! Oops).number) })
    try runFibers(configuration) {
      var seen: [Int] = []
      expectThrows(Oops(1)) {
        try (0..<4).pipeline().concurrentMap(limit: 4) { number in
          // The later ones fail first, and wait for the turn of the first.
          try sleep(for: .seconds(9 - number))
          if number > 0 { throw Oops(number) }
          return number
        }.forEach { seen.append($0) }
      }
      #expect(seen == [0])
    }
    #expect(suppressed.entries.sorted() == [2, 3])
  }

  @Test func anErrorThatTheLoopDoesNotWaitForGoesToTheHandler() throws {
    let suppressed = Log<String>()
    let configuration = Configuration(
      parallelism: 1, clock: .virtual, onSuppressedError: { suppressed.append("\($0)") })
    try runFibers(configuration) {
      let source = Flow<Int> { yielder in
        try yielder.yield(1)
        try yielder.yield(2)
        throw Oops(2)
      }
      try source.buffer(9).prefix(1).forEach { _ in try sleep(for: .seconds(1)) }
    }
    #expect(suppressed.entries == ["\(Oops(2))"])
  }

  @Test(arguments: [1, 4]) func aBufferLetsUpstreamRunAheadByItsCount(count: Int) throws {
    try virtually {
      let made = Counter()
      let source = (0..<20).pipeline().map { number in
        made.add()
        return number
      }
      var seen = 0
      try source.buffer(count).forEach { _ in
        seen += 1
        try sleep(for: .seconds(1))
        #expect(made.value == min(20, seen + count))
      }
    }
  }

  @Test(arguments: parallelisms) func mergedFlowsComeAsTheyAreReady(workers: Int) throws {
    try virtually(workers) {
      func every(_ seconds: Int, _ count: Int) -> Flow<Int> {
        Flow { yielder in
          for number in 1...count {
            try sleep(for: .seconds(seconds))
            try yielder.yield(seconds * number)
          }
        }
      }
      try expectEqual(every(2, 3).merge(every(5, 2), every(7, 1)).collect(), [2, 4, 5, 6, 7, 10])
      try expectEqual(Flow<Int>.merge([]).collect(), [])
    }
  }

  // The others are cancelled, and have ended, when the error is thrown; a cancellation of a flow's own is no quiet end.
  @Test(arguments: parallelisms) func theFirstFailureOfAMergedFlowEndsTheOthers(workers: Int) throws {
    try virtually(workers) {
      for error in [Oops(1), CancellationError()] as [any Error] {
        let log = Log<String>()
        let failing = Flow<Int> { yielder in
          try sleep(for: .milliseconds(2500))
          try yielder.yield(100)
          throw error
        }
        var seen: [Int] = []
        do {
          try slowSource(.max, log).merge(failing).forEach { seen.append($0) }
          Issue.record("no error")
        } catch let thrown {
          #expect("\(thrown)" == "\(error)")
        }
        #expect(seen == [0, 1, 100])
        #expect(log.entries == ["unwound"])
      }
    }
  }

  @Test(arguments: parallelisms) func zipAwaitsBothSidesAndEndsWithTheShorter(workers: Int) throws {
    try virtually(workers) {
      let log = Log<String>()
      let start = FiberClock.now
      let pairs = try slowSource(3, log).zip(slowSource(.max, log)).map { [$0, $1] }.collect()
      #expect(pairs == [[0, 0], [1, 1], [2, 2]])
      #expect(FiberClock.now - start == .seconds(3))
      #expect(log.entries == ["unwound", "unwound"])
      // Also if the other side would never come.
      try expectEqual([1].pipeline().prefix(0).zip(Channel<Int>().pipeline()).collect().count, 0)
      expectThrows(Oops(1)) { try Channel<Int>().pipeline().zip(Flow<Int> { _ in throw Oops(1) }).collect() }
    }
  }

  @Test func combineLatestPairsTheLatestOfBoth() throws {
    try virtually {
      func times(_ seconds: [Int]) -> Flow<Int> {
        Flow { yielder in
          let start = FiberClock.now
          for second in seconds {
            try sleep(until: start + .seconds(second))
            try yielder.yield(second)
          }
        }
      }
      let pairs = try times([1, 3, 6]).combineLatest(times([2, 5])).map { [$0, $1] }.collect()
      #expect(pairs == [[1, 2], [3, 2], [3, 5], [6, 5]])
      let start = FiberClock.now
      try expectEqual(times([9]).combineLatest(times([])).collect().count, 0)
      #expect(FiberClock.now == start)
    }
  }

  @Test func untilEndsAtItsOperation() throws {
    try virtually {
      let log = Log<String>()
      try expectEqual(slowSource(.max, log).until { sleepOp(for: .milliseconds(3500)) }.collect(), [0, 1, 2])
      #expect(log.entries == ["unwound"])
      expectThrows(Oops(1)) { try slowSource(.max, log).until { Op<Void>.failing(Oops(1)) }.collect() }
      // An operation that has not committed has had no effect when the flow ends.
      let quit = Channel<Int>(.bounded(1))
      try quit.send(1)
      try expectEqual([1].pipeline().until { quit.receiveOp().orTimeout(after: .seconds(1)) }.prefix(0).collect(), [])
      #expect(quit.count == 1)
    }
  }

  @Test(arguments: parallelisms) func groupsRunAtTheSameTimeEachInItsFiber(workers: Int) throws {
    try virtually(workers) {
      let sums = try (0..<12).pipeline().groupBy(limit: 3, { $0 % 3 }) { key, numbers in
        [key, try numbers.pipeline().fold(0) { $0 + $1 }]
      }.collect()
      #expect(sums.sorted { $0[0] < $1[0] } == [[0, 18], [1, 22], [2, 26]])
      expectThrows(Oops(2)) {
        try (0..<12).pipeline().groupBy(limit: 3, { $0 % 3 }) { key, numbers -> Int in
          if key == 2 { throw Oops(2) }
          return try numbers.pipeline().fold(0) { $0 + $1 }
        }.collect()
      }
      let refused = expectThrows(GroupLimitError.self) {
        try (0..<12).pipeline().groupBy(limit: 2, { $0 % 3 }) { key, numbers in Array(numbers).count }.collect()
      }
      #expect(refused?.limit == 2)
    }
  }

  @Test func aGroupThatReturnsEarlyBeginsAnewWithItsNextElement() throws {
    try virtually {
      // Sessions: a group ends after three seconds of silence.
      let times = Flow<Int> { yielder in
        let start = FiberClock.now
        for second in [0, 1, 2, 10, 11, 20] {
          try sleep(until: start + .seconds(second))
          try yielder.yield(second)
        }
      }
      let sessions = try times.groupBy(limit: 1, { _ in "user" }) { _, seconds in
        var session: [Int] = []
        while let second = try choose(seconds.nextOp(), sleepOp(for: .seconds(3)).wrap { nil }) {
          session.append(second)
        }
        return session
      }.collect()
      #expect(sessions == [[0, 1, 2], [10, 11], [20]])
    }
  }

  @Test func aFailedFlowBeginsAnewWhenItHasEnded() throws {
    try virtually {
      let log = Log<String>()
      let runs = Counter()
      let source = Flow<Int> { yielder in
        let run = runs.add()
        defer { log.append("ended \(run)") }
        for number in 0..<3 {
          if number == run { throw Oops(run) }
          try yielder.yield(number)
        }
      }
      let start = FiberClock.now
      try expectEqual(source.buffer(1).retry(.constant(.seconds(5), attempts: 2)).collect(), [0, 0, 1, 0, 1, 2])
      #expect(FiberClock.now - start == .seconds(10))
      #expect(log.entries == ["ended 1", "ended 2", "ended 3"])
      let failing = Flow<Int> { _ in throw Oops(runs.add()) }
      expectThrows(Oops(6)) { try failing.retry(.constant(.seconds(1), attempts: 3)).collect() }
      expectThrows(Oops(7)) { try failing.retry(.constant(.seconds(1), attempts: 3), if: { _ in false }).collect() }
    }
  }

  @Test func aRetriedFlowEndsWithTheWaitForItsElement() throws {
    try virtually {
      let log = Log<String>()
      let silent = Flow<Int> { _ in
        defer { log.append("unwound") }
        try Op<Void>.never.perform()
      }
      expectThrows(TimeoutError.self) {
        try silent.retry(.constant(.zero, attempts: 3)).timeout(.seconds(1)).collect()
      }
      // The error is handled inside the run, which still ends.
      try withPipeline(silent.retry(.constant(.zero, attempts: 3)).timeout(.seconds(1))) { elements in
        for _ in elements {}
        expectThrows(TimeoutError.self) { try elements.finish() }
      }
      #expect(log.entries == ["unwound", "unwound"])
    }
  }

  @Test func aFlowThatCannotBeginClosesTheChannelOfItsCopies() throws {
    try runFibers {
      for divert: @Sendable (Channel<String>) -> Flow<String> in [
        { Flow.lines(ofFile: "/no such file").tee(to: $0) },
        { Flow.lines(ofFile: "/no such file").partition(to: $0) { _ in true } },
      ] {
        let copies = Channel<String>()
        expectThrows(SystemError.self) { try divert(copies).collect() }
        try #expect(copies.next() == nil)
      }
    }
  }
}
