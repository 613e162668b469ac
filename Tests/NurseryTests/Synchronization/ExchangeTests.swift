import Nursery
import Testing

/// `MVar` and `SwapChannel`: values that change hands.
struct ExchangeTests {
  @Test func takersAndPuttersOfAnMVarAreServedInTheOrderTheyCame() throws {
    let taken = Log<String>()
    try virtually {
      let place = MVar<Int>()
      try withNursery { nursery in
        for name in ["a", "b", "c"] {
          nursery.goAsync { taken.append("\(name)\(try place.take())") }
          waitUntilAllParked()
        }
        for number in 1...3 { try place.put(number) }
        waitUntilAllParked()
        #expect(place.isEmpty)
        for number in 1...4 {
          nursery.goAsync { try place.put(number) }
          waitUntilAllParked()
        }
        #expect(!place.isEmpty)
        for _ in 1...4 { taken.append("\(try place.take())") }
        #expect(place.isEmpty)
      }
    }
    #expect(taken.entries == ["a1", "b2", "c3", "1", "2", "3", "4"])
  }

  @Test func readersSeeTheValueAndLeaveItThere() throws {
    try virtually {
      let place = MVar<Int>()
      try withNursery { nursery in
        let taker = nursery.goAsync { try place.take() }
        let readers = (0..<3).map { _ in nursery.goAsync { try place.read() } }
        waitUntilAllParked()
        try #expect(place.readOp().poll() == nil)
        try place.put(1)
        for reader in readers { expectEqual(try reader.wait(), 1) }
        expectEqual(try taker.wait(), 1)
        #expect(place.isEmpty)
      }
      let full = MVar(2)
      expectEqual(try full.read(), 2)
      expectEqual(try full.readOp().poll(), 2)
      expectEqual(try full.take(), 2)
    }
  }

  @Test func aTakeOrPutThatLosesHasChangedNothing() throws {
    try virtually {
      let place = MVar(1)
      expectThrows(TimeoutError.self) { try place.putOp(2).orTimeout(after: .seconds(1)).perform() }
      expectEqual(try choose(.biased([.always(7), place.takeOp()]), .never), 7)
      expectEqual(try place.take(), 1)
      expectThrows(TimeoutError.self) { try place.takeOp().orTimeout(after: .seconds(1)).perform() }
      #expect(place.isEmpty)
    }
  }

  @Test(arguments: parallelisms) func twoFibersSwapTheirValues(workers: Int) throws {
    try virtually(workers) {
      let desk = SwapChannel<Int>()
      try withNursery { nursery in
        let sums = (1...10).map { number in nursery.goAsync { () -> Int in try desk.swap(number) } }
        let received = try sums.map { try $0.wait() }
        expectEqual(received.sorted(), Array(1...10))
        // Partners have each other's value.
        for (index, partner) in received.enumerated() { expectEqual(received[partner - 1], index + 1) }
      }
    }
  }

  @Test func aSwapThatLosesHasGivenNothingAway() throws {
    try virtually {
      let desk = SwapChannel<Int>()
      expectThrows(TimeoutError.self) { try desk.swapOp(1).orTimeout(after: .seconds(1)).perform() }
      expectThrows(TimeoutError.self) {
        // The two of one choice never meet.
        try desk.swapOp(1).or(desk.swapOp(2)).orTimeout(after: .seconds(1)).perform()
      }
    }
  }
}
