import Nursery
import Testing

struct MulticastTests {
  @Test(arguments: parallelisms) func eachSubscriberSeesEveryElementInOrder(workers: Int) throws {
    let multicast = Multicast<Int>()
    let received = Guarded<[[Int]]>([])
    try virtually(workers) {
      try withNursery { nursery in
        for capacity in [1, 3, 100] {
          let subscription = multicast.subscribe(.holdingBack(capacity))
          nursery.goAsync(placement: .spread) {
            var elements: [Int] = []
            while let element = try subscription.next() { elements.append(element) }
            received.withLock { $0.append(elements) }
          }
        }
        for number in 0..<300 {
          if number % 2 == 0 { try multicast.send(number) } else { try multicast.sendOp(number).perform() }
        }
        multicast.close()
      }
    }
    #expect(received.withLock { $0 } == Array(repeating: Array(0..<300), count: 3))
  }

  @Test func aLaggingSubscriberIsToldHowManyElementsItHasMissed() throws {
    try virtually {
      let multicast = Multicast<Int>()
      let subscription = multicast.subscribe(.lagging(3))
      for number in 0..<10 { try multicast.send(number) }
      let error = expectThrows(LaggedError.self) { _ = try subscription.next() }
      expectEqual(error?.missed, 7)
      #expect(error.map { "\($0)" }?.contains("keep more with .lagging(n)") == true)
      expectEqual(try subscription.next(), 7)
      for number in 10..<13 { try multicast.send(number) }
      expectThrows(LaggedError.self) { _ = try subscription.nextOp().perform() }
      for number in 10..<13 { expectEqual(try subscription.nextOp().perform(), number) }
      try #expect(subscription.nextOp().poll() == nil)
    }
  }

  @Test func aSubscriberThatHoldsBackMakesTheSenderWaitAndGetsNothingEarlier() throws {
    try virtually {
      let multicast = Multicast<Int>()
      let slow = multicast.subscribe(.holdingBack(1))
      let quick = multicast.subscribe(.lagging(10))
      try multicast.send(1)
      expectThrows(TimeoutError.self) { try multicast.sendOp(2).orTimeout(after: .seconds(1)).perform() }
      expectEqual(try quick.next(), 1)
      try #expect(quick.nextOp().poll() == nil, "all subscribers get an element or none")
      try withNursery { nursery in
        let sender = nursery.goAsync { try multicast.send(3) }
        waitUntilAllParked()
        #expect(!sender.isFinished)
        expectEqual(try slow.next(), 1)
        try sender.wait()
        expectEqual(try slow.next(), 3)
        expectEqual(try quick.next(), 3)
      }
    }
  }

  enum Leaving: CaseIterable { case cancels, goes, isCancelled }

  @Test(arguments: Leaving.allCases) func aSubscriberThatLeavesHoldsNoSenderBack(leaving: Leaving) throws {
    try virtually {
      let multicast = Multicast<Int>()
      var subscription: Multicast<Int>.Subscription? = multicast.subscribe(.holdingBack(1))
      try multicast.send(1)
      try withNursery { nursery in
        let sender = nursery.goAsync {
          for number in 2...4 { try multicast.send(number) }
        }
        waitUntilAllParked()
        #expect(!sender.isFinished)
        switch leaving {
        case .cancels:
          subscription?.cancel()
          try #expect(subscription!.next() == nil)
        case .goes: subscription = nil
        case .isCancelled:
          let passed = subscription!
          subscription = nil
          let subscriber = nursery.goAsync { () -> Void in
            let mine = passed
            try Condition().wait()
            _ = try mine.next()
          }
          waitUntilAllParked()
          subscriber.cancel()
          return
        }
        try sender.wait()
      }
      _ = subscription
      expectEqual(multicast.subscriberCount, 0)
    }
  }

  @Test func aSubscriptionEndsWithTheMulticastAfterWhatItHolds() throws {
    try virtually {
      let multicast = Multicast<Int>()
      let subscription = multicast.subscribe(.holdingBack(2))
      try multicast.send(1)
      try multicast.send(2)
      try withNursery { nursery in
        let sender = nursery.goAsync { expectThrows(ChannelClosedError.self) { try multicast.send(3) } }
        waitUntilAllParked()
        multicast.close()
        _ = try sender.wait()
      }
      expectEqual(try subscription.next(), 1)
      expectEqual(try subscription.nextOp().perform(), 2)
      try #expect(subscription.next() == nil)
      expectThrows(ChannelClosedError.self) { try multicast.send(4) }
      expectThrows(ChannelClosedError.self) { try multicast.sendOp(4).perform() }
      try #expect(multicast.subscribe(.lagging(1)).next() == nil, "subscribing after the close")
    }
  }

  @Test func aMulticastWithoutSubscribersDropsWhatIsSent() throws {
    try virtually {
      let multicast = Multicast<Int>()
      for number in 0..<3 { try multicast.send(number) }
      let late = multicast.subscribe(.lagging(1))
      try multicast.send(3)
      expectEqual(try late.next(), 3)
    }
  }

  @Test func trySendReachesAllSubscribersOrNone() throws {
    let multicast = Multicast<Int>()
    try #expect(multicast.trySend(0) == true)
    let slow = multicast.subscribe(.holdingBack(1))
    let quick = multicast.subscribe(.lagging(4))
    try #expect(multicast.trySend(1) == true)
    try #expect(multicast.trySend(2) == false)
    try #expect(slow.next() == 1)
    try #expect(multicast.trySend(3) == true)
    multicast.close()
    #expect(throws: ChannelClosedError.self) { try multicast.trySend(4) }
    try #expect([quick.next(), quick.next(), quick.next()] == [1, 3, nil])
  }

  @Test func anElementEndsWhenNoSubscriberCanTakeItAnyMore() throws {
    final class Note: Sendable {}
    let multicast = Multicast<Note>()
    func send() throws -> () -> Note? {
      let note = Note()
      try multicast.send(note)
      return { [weak note] in note }
    }
    let unwanted = try send()
    #expect(unwanted() == nil, "without subscribers")
    let patient = multicast.subscribe(.lagging(3))
    let early = try send()
    let hasty = multicast.subscribe(.lagging(1))
    let (second, third) = (try send(), try send())
    _ = try patient.next()
    #expect(early() == nil, "who subscribes later does not count")
    _ = try patient.next()
    #expect(second() != nil, "the other subscriber has not passed it")
    #expect(expectThrows(LaggedError.self) { _ = try hasty.next() }?.missed == 1)
    #expect(second() == nil)
    _ = try hasty.next()
    let (fourth, fifth, sixth) = (try send(), try send(), try send())
    #expect(third() == nil, "more have come than the most patient subscriber keeps")
    patient.cancel()
    #expect(fourth() == nil && fifth() == nil, "the most patient subscriber has left")
    #expect(sixth() != nil)
    hasty.cancel()
    #expect(sixth() == nil)
  }

  @Test(arguments: parallelisms) func fibersThatShareASubscriptionShareItsElements(workers: Int) throws {
    let multicast = Multicast<Int>()
    let received = Guarded<[Int]>([])
    try virtually(workers) {
      let subscription = multicast.subscribe(.holdingBack(2))
      try withNursery { nursery in
        for isOperation in [false, true, false, true] {
          nursery.goAsync(placement: .spread) {
            while let element = try isOperation ? subscription.nextOp().perform() : subscription.next() {
              received.withLock { $0.append(element) }
            }
          }
        }
        for number in 0..<200 { try multicast.send(number) }
        multicast.close()
      }
    }
    #expect(received.withLock { $0.sorted() } == Array(0..<200))
  }

  @Test func aSubscriberThatKeepsNothingTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Multicast<Int>().subscribe(.lagging(0))
    }
    #expect(standardError(result).contains("write a limit of at least 1"))
  }
}
