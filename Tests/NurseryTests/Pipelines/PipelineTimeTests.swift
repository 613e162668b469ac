import Nursery
import Testing

/// Operators that depend on time.
@Suite struct PipelineTimeTests {
  /// Elements that come at these tenths of a second from the beginning of the run.
  private func times(_ tenths: [Int], then end: (any Error)? = nil, at last: Int? = nil) -> Flow<Int> {
    Flow { yielder in
      let start = FiberClock.now
      for tenth in tenths {
        try sleep(until: start + .milliseconds(tenth * 100))
        try yielder.yield(tenth)
      }
      if let last { try sleep(until: start + .milliseconds(last * 100)) }
      if let end { throw end }
    }
  }

  /// The elements, and the tenths of a second at which they came.
  private func run<Element>(_ flow: Flow<Element>) throws -> (elements: [Element], at: [Int], error: Oops?) {
    var result: (elements: [Element], at: [Int], error: Oops?) = ([], [], nil)
    try virtually {
      let start = FiberClock.now
      do {
        try flow.forEach {
          result.elements.append($0)
          result.at.append(Int((FiberClock.now - start) / .milliseconds(100)))
        }
      } catch let error as Oops {
        result.error = error
      }
    }
    return result
  }

  @Test func aChunkIsHandedOutAtTheFirstOfCountTimeAndEnd() throws {
    let flow = times([1, 2, 3, 4, 20, 50], at: 55)
    let result = try run(flow.chunked(count: 3, orAfter: .seconds(1)))
    // By its count; a second after its first element, twice; at the end.
    #expect(result.elements == [[1, 2, 3], [4], [20], [50]])
    #expect(result.at == [3, 14, 30, 55])
  }

  @Test func aChunkComesBeforeTheErrorThatEndsIt() throws {
    let result = try run(times([1, 2], then: Oops(1), at: 5).chunked(count: 3, orAfter: .seconds(1)))
    #expect(result.elements == [[1, 2]])
    #expect(result.at == [5])
    #expect(result.error == Oops(1))
  }

  @Test func noElementOfAChunkIsLostWhileTheLoopIsBusy() throws {
    try virtually {
      var elements: [Int] = []
      try times(Array(1...40)).chunked(count: 4, orAfter: .milliseconds(150)).forEach {
        elements += $0
        try sleep(for: .milliseconds(330))
      }
      #expect(elements == Array(1...40))
    }
  }

  @Test func debounceWaitsForASilence() throws {
    let result = try run(times([1, 3, 5, 20, 22, 40], at: 41).debounce(for: .milliseconds(500)))
    // The last one comes at the end, although the silence has not been long enough.
    #expect(result.elements == [5, 22, 40])
    #expect(result.at == [10, 27, 41])
    let failed = try run(times([1, 3], then: Oops(3)).debounce(for: .milliseconds(500)))
    #expect(failed.elements == [3])
    #expect(failed.error == Oops(3))
  }

  @Test func throttleKeepsTheLatestAndTheDistance() throws {
    let flow = times([1, 2, 3, 4, 12, 30, 31], at: 32)
    let latest = try run(flow.throttle(for: .milliseconds(500)))
    #expect(latest.elements == [1, 4, 12, 30, 31])
    #expect(latest.at == [1, 6, 12, 30, 35])
    let first = try run(flow.throttle(for: .milliseconds(500), latest: false))
    #expect(first.elements == [1, 12, 30])
    #expect(first.at == [1, 12, 30])
    let failed = try run(times([1, 2], then: Oops(2)).throttle(for: .milliseconds(500)))
    #expect(failed.elements == [1, 2])
    #expect(failed.at == [1, 6])
    #expect(failed.error == Oops(2))
  }

  @Test func sampleHandsOutTheLatestOnItsGrid() throws {
    let result = try run(times([1, 2, 8, 31, 52], at: 53).sample(every: .milliseconds(500)))
    #expect(result.elements == [2, 8, 31, 52])
    #expect(result.at == [5, 10, 35, 53])
  }

  @Test func anElementThatDoesNotComeInTimeIsATimeout() throws {
    try virtually {
      var seen: [Int] = []
      expectThrows(TimeoutError.self) {
        try times([1, 2, 50]).timeout(.seconds(1)).forEach {
          seen.append($0)
          // The loop's own time does not count.
          try sleep(for: .seconds(1))
        }
      }
      #expect(seen == [1, 2])
      // The end as well.
      expectThrows(TimeoutError.self) { try times([1], at: 30).timeout(.seconds(1)).collect() }
    }
  }

  // Only what waits for something holds a timer.
  @Test func operatorsWithNothingToHandOutDoNotDriveVirtualTime() throws {
    for number in 0..<4 {
      expectThrows(DeadlockError.self) {
        try runFibers(.deterministic(seed: 1)) {
          let silent = Flow<Int> { yielder in
            try yielder.yield(1)
            try Op<Void>.never.perform()
          }
          let flow =
            switch number {
            case 0: silent.debounce(for: .seconds(1))
            case 1: silent.throttle(for: .seconds(1))
            case 2: silent.sample(every: .seconds(1))
            default: silent.chunked(count: 9, orAfter: .seconds(1)).flatMap { $0 }
            }
          try flow.forEach { _ in }
        }
      }
    }
  }
}
