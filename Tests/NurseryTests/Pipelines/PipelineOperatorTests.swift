import Nursery
import Testing

/// What each operator makes of its elements.
@Suite struct PipelineOperatorTests {
  private let five = (1...5).pipeline()

  @Test func elementsAreTransformedKeptAndCombined() throws {
    try virtually {
      try expectEqual(five.map { $0 * 2 }.collect(), [2, 4, 6, 8, 10])
      try expectEqual(five.filter { $0 % 2 == 1 }.collect(), [1, 3, 5])
      try expectEqual(five.compactMap { $0 > 3 ? "\($0)" : nil }.collect(), ["4", "5"])
      try expectEqual(five.scan(0) { $0 + $1 }.collect(), [1, 3, 6, 10, 15])
      try expectEqual(five.flatMap { 0..<$0 }.collect(), [0, 0, 1, 0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 4])
      try expectEqual(five.flatMap { [$0, -$0].pipeline().map { $0 * 10 } }.prefix(3).collect(), [10, -10, 20])
      try expectEqual(five.concat([8].pipeline(), [9].pipeline()).collect(), [1, 2, 3, 4, 5, 8, 9])
      try expectEqual([1, 1, 2, 2, 1].pipeline().distinct().collect(), [1, 2, 1])
      try expectEqual(five.distinct { $0 / 3 }.collect(), [1, 3])
      try expectEqual(five.chunked(count: 2).collect(), [[1, 2], [3, 4], [5]])
      try expectEqual(five.fold("") { "\($0)\($1)" }, "12345")
    }
  }

  @Test func partsOfAFlowAreTakenAndLeftOut() throws {
    try virtually {
      try expectEqual(five.prefix(2).collect(), [1, 2])
      try expectEqual(five.prefix(0).collect(), [])
      try expectEqual(five.prefix(9).collect(), [1, 2, 3, 4, 5])
      try expectEqual(five.prefix { $0 < 4 }.collect(), [1, 2, 3])
      try expectEqual(five.dropFirst(3).collect(), [4, 5])
      try expectEqual(five.dropFirst(9).collect(), [])
      try expectEqual(five.drop { $0 < 4 }.collect(), [4, 5])
      try expectEqual(five.first(), 1)
      try expectEqual(five.filter { $0 > 9 }.first(), nil)
    }
  }

  @Test func aPrefixAsksForNoElementMoreThanItHandsOut() throws {
    try virtually {
      let asked = Counter()
      let counted = (0...).pipeline().map { number in
        asked.add()
        return number
      }
      try expectEqual(counted.prefix(3).collect(), [0, 1, 2])
      #expect(asked.value == 3)
      _ = try counted.prefix(0).collect()
      #expect(asked.value == 3)
    }
  }

  @Test func anErrorOfAClosureEndsThePipelineWhereItHappens() throws {
    try virtually {
      var seen: [Int] = []
      expectThrows(Oops(3)) {
        try five.map { if $0 == 3 { throw Oops(3) } else { $0 } }.forEach { seen.append($0) }
      }
      #expect(seen == [1, 2])
      // kotlinx.coroutines: an error of an inner flow is not swallowed.
      expectThrows(Oops(4)) {
        try five.flatMap { number in Flow<Int> { _ in if number == 4 { throw Oops(number) } } }.collect()
      }
    }
  }

  @Test func aChannelsElementsPassUntilItIsClosed() throws {
    try virtually {
      try withNursery { nursery in
        let numbers = Channel<Int>()
        nursery.goAsync {
          for number in 1...3 { try numbers.send(number) }
          numbers.close()
        }
        try expectEqual(numbers.pipeline().first(), 1)
        // The run took no element that it did not hand out, also with an operator that waits with a deadline.
        try expectEqual(numbers.pipeline().debounce(for: .zero).first(), 2)
        try expectEqual(numbers.pipeline().collect(), [3])
      }
    }
  }

  @Test func aTickersTicksAreElements() throws {
    try virtually {
      let start = FiberClock.now
      let ticks = try Ticker(every: .seconds(1)).pipeline().map { $0.due - start }.prefix(3).collect()
      #expect(ticks == [.seconds(1), .seconds(2), .seconds(3)])
    }
  }

  @Test func aGeneratorIsGivenAwayForOneRunThatThrowsItsError() throws {
    try virtually {
      var flow = Flow(once: Generator<Int> { try $0.yield(1) })
      try expectEqual(flow.collect(), [1])
      flow = Flow(
        once: Generator<Int> { yielder in
          try yielder.yield(1)
          throw Oops(1)
        })
      expectThrows(Oops(1)) { try flow.collect() }
      try expectEqual(Flow(once: AnyIterator([1, 2].makeIterator())).collect(), [1, 2])
    }
  }

  @Test func aSecondRunOfWhatWasGivenAwayTraps() async {
    await #expect(processExitsWith: .failure) {
      let flow = Flow(once: Generator<Int> { try $0.yield(1) })
      _ = synchronously { (try? flow.collect(), try? flow.collect()) }
    }
  }

  @Test func aCopyOfEachElementGoesToTheChannelOfATee() throws {
    try virtually {
      try withNursery { nursery in
        let copies = Channel<Int>()
        let total = nursery.goAsync { try copies.pipeline().fold(0) { $0 + $1 } }
        try expectEqual(five.tee(to: copies).collect(), [1, 2, 3, 4, 5])
        try expectEqual(total.wait(), 15)
        // Left early, or failed: closed as well.
        for flow in [
          five,
          Flow<Int> {
            try $0.yield(1); throw Oops()
          },
        ] {
          let copies = Channel<Int>(.bounded(9))
          _ = try? flow.tee(to: copies).prefix(2).collect()
          #expect(copies.isClosed)
        }
        // A receiver that goes away does not end the flow.
        let closed = Channel<Int>()
        closed.close()
        try expectEqual(five.tee(to: closed).collect(), [1, 2, 3, 4, 5])
      }
    }
  }

  @Test func aPartitionSendsPartOfTheElementsToItsChannel() throws {
    try virtually {
      try withNursery { nursery in
        let even = Channel<Int>()
        let others = nursery.goAsync { Array(even) }
        try expectEqual(five.partition(to: even) { $0 % 2 == 0 }.collect(), [1, 3, 5])
        try expectEqual(others.wait(), [2, 4])
      }
    }
  }

  @Test func childrenOfTheBodyAreAwaitedNotCancelled() throws {
    try virtually {
      let handled = Counter()
      try five.buffer(2).forEach { _ in
        goAsync {
          try sleep(for: .seconds(1))
          handled.add()
        }
      }
      #expect(handled.value == 5)
    }
  }

  #if compiler(>=6.3)  // closures with captures
    @Test(arguments: [0, 1, 2, 3, 4]) func countsThatMakeNoSenseTrap(number: Int) async {
      await #expect(processExitsWith: .failure) { [number] in
        let flow = [1].pipeline()
        switch number {
        case 0: _ = flow.buffer(0)
        case 1: _ = flow.concurrentMap(limit: 0) { $0 }
        case 2: _ = flow.chunked(count: 0)
        case 3: _ = flow.sample(every: .zero)
        default: _ = flow.groupBy(limit: 0, { $0 }) { key, _ in key }
        }
      }
    }
  #endif
}
