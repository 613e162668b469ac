import NurseryCore
import Testing

/// `next()` and `nextOp()`, which tell the end of a channel from a cancellation.
struct ChannelNextTests {
  @Test(arguments: [0, 3], parallelisms) func nextIsNilOnceTheChannelIsClosedAndDrained(
    capacity: Int, workers: Int
  ) throws {
    let received = try virtually(workers) {
      let channel = Channel<String>(.bounded(capacity))
      spawn {
        for number in 0..<10 { try channel.send("\(number)") }
        channel.close()
      }
      var received: [String] = []
      while let element = try channel.next() {
        received.append(element)
        guard let element = try channel.nextOp().perform() else { break }
        received.append(element)
      }
      try #expect(channel.next() == nil)
      let end: String?? = .some(nil)
      try #expect(channel.nextOp().poll() == end)
      return received
    }
    #expect(received == (0..<10).map { "\($0)" })
  }

  @Test(arguments: parallelisms) func aCloseEndsAWaitingNext(workers: Int) throws {
    let ended = Counter()
    try virtually(workers) {
      let channel = Channel<Int>()
      let receivers = (0..<4).map { number in
        spawn { if try number % 2 == 0 ? channel.next() == nil : channel.nextOp().perform() == nil { ended.add() } }
      }
      letOthersRun()
      channel.close()
      for receiver in receivers { try receiver.wait() }
    }
    #expect(ended.value == 4)
  }

  @Test func anElementThatIsNilIsNoEnd() throws {
    try virtually {
      let channel = Channel<Int?>(.bounded(2))
      try channel.send(nil)
      try channel.send(nil)
      channel.close()
      // An optional in an optional: an element that is nil.
      let element: Int?? = .some(nil)
      try #expect(channel.next() == element)
      try #expect(channel.nextOp().perform() == element)
      try #expect(channel.nextOp().perform() == .none)
    }
  }

  @Test func aNextThatLosesOrTimesOutTakesNothing() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      expectThrows(TimeoutError.self) { try channel.nextOp().orTimeout(after: .seconds(1)).perform() }
      try #expect(channel.nextOp().poll() == nil)
      try channel.send(1)
      try #expect(choose(.biased([.always(2), channel.nextOp()]), .never) == 2)
      #expect(channel.count == 1)
      try #expect(channel.nextOp().orTimeout(after: .seconds(1)).perform() == 1)
    }
  }
}
