import NurseryCore
import Testing

/// Channels whose senders never wait, and what they drop.
struct ChannelPolicyTests {
  @Test func anUnboundedChannelTakesEveryElementWithoutWaiting() throws {
    try virtually {
      let channel = Channel<Int>(.unbounded)
      for number in 0..<10_000 { try channel.send(number) }
      try #expect(channel.sendOp(10_000).poll() != nil)
      #expect(channel.count == 10_001)
      channel.close()
      #expect(Array(channel) == Array(0...10_000))
    }
  }

  /// Each way to send.
  enum Way: CaseIterable { case verb, trying, operation, choice, poll }

  private static func send(_ number: Int, to channel: Channel<String>, _ way: Way) throws {
    switch way {
    case .verb: try channel.send("\(number)")
    case .trying: try #expect(channel.trySend("\(number)") == true)
    case .operation: try channel.sendOp("\(number)").perform()
    case .choice: try choose(channel.sendOp("\(number)"), Channel<String>().receiveOp().wrap { _ in })
    case .poll: try #expect(channel.sendOp("\(number)").poll() != nil)
    }
  }

  @Test(arguments: Way.allCases, [1, 3]) func theNewestElementsAreKeptAndEachDroppedOneIsHandedOver(
    way: Way, capacity: Int
  ) throws {
    let dropped = Log<String>()
    try virtually {
      let channel = Channel<String>(.newest(capacity)) { dropped.append($0) }
      for number in 0..<10 { try Self.send(number, to: channel, way) }
      channel.close()
      #expect(Array(channel) == (10 - capacity..<10).map { "\($0)" })
      #expect(channel.statistics.dropped == 10 - capacity)
    }
    #expect(dropped.entries == (0..<10 - capacity).map { "\($0)" })
  }

  @Test(arguments: Way.allCases, [1, 3]) func theOldestElementsAreKeptAndEachDroppedOneIsHandedOver(
    way: Way, capacity: Int
  ) throws {
    let dropped = Log<String>()
    try virtually {
      let channel = Channel<String>(.oldest(capacity)) { dropped.append($0) }
      for number in 0..<10 { try Self.send(number, to: channel, way) }
      channel.close()
      #expect(Array(channel) == (0..<capacity).map { "\($0)" })
      #expect(channel.statistics.dropped == 10 - capacity)
    }
    #expect(dropped.entries == (capacity..<10).map { "\($0)" })
  }

  @Test func plainElementsAreDroppedAsWell() throws {
    let dropped = Log<Int>()
    try virtually {
      let channel = Channel<Int>(.newest(1)) { dropped.append($0) }
      for number in 0..<3 {
        try channel.send(2 * number)
        try channel.sendOp(2 * number + 1).perform()
      }
      try #expect(channel.receive() == 5)
    }
    #expect(dropped.entries == [0, 1, 2, 3, 4])
  }

  @Test func whatDropsAnElementMayUseTheChannelAndWait() throws {
    try virtually {
      let channel = Holder<Int>()
      let seen = Counter()
      channel.value = Channel<Int>(.newest(2)) { [channel] number in
        letOthersRun()
        seen.add(number + channel.value!.statistics.dropped)
      }
      for number in 1...4 {
        if number % 2 == 0 {
          try channel.value!.send(number)
        } else {
          try choose(channel.value!.sendOp(number), Condition().waitOp())
        }
      }
      #expect(seen.value == 1 + 1 + 2 + 2)
      channel.value = nil
    }
  }

  @Test func aDroppedElementEndsOutsideTheLock() throws {
    final class Element: Sendable {
      let atEnd: @Sendable () -> Void
      init(_ atEnd: @escaping @Sendable () -> Void) { self.atEnd = atEnd }
      deinit { atEnd() }
    }
    let counts = Log<Int>()
    try virtually {
      let channel = Channel<Element>(.newest(1))
      try channel.send(Element { [weak channel] in counts.append(channel?.count ?? -1) })
      try channel.send(Element {})
      try channel.sendOp(Element {}).perform()
    }
    #expect(counts.entries == [1])
  }

  @Test func aSendThatLosesDropsNothing() throws {
    try virtually {
      let channel = Channel<Int>(.newest(1)) { _ in Issue.record("dropped") }
      try channel.send(1)
      try #expect(choose(.biased([.always(7), channel.sendOp(2).wrap { 8 }]), .never) == 7)
      channel.close()
      expectThrows(ChannelClosedError.self) { try channel.send(3) }
      try #expect(channel.receive() == 1)
    }
  }

  @Test(arguments: parallelisms) func everyElementIsReceivedOrHandedOver(workers: Int) throws {
    let dropped = Counter()
    let received = Counter()
    try virtually(workers) {
      let channel = Channel<Int>(.newest(4)) { dropped.add($0) }
      let senders = (0..<4).map { _ in
        spawn {
          for number in 1...500 {
            if number % 2 == 0 { try channel.send(1) } else { try channel.sendOp(1).perform() }
            if number % 7 == 0 { letOthersRun() }
          }
        }
      }
      let receiver = spawn { for number in channel { received.add(number) } }
      for sender in senders { try sender.wait() }
      channel.close()
      try receiver.wait()
      #expect(channel.statistics.dropped == dropped.value)
    }
    #expect(dropped.value + received.value == 2000)
  }

  @Test func statisticsTellWhatIsBufferedAndWhatWaits() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(2))
      #expect(channel.statistics == Channel<Int>().statistics)
      for number in 0..<4 { spawn { try channel.send(number) } }
      letOthersRun()
      var statistics = channel.statistics
      #expect((statistics.count, statistics.peak, statistics.waitingSenders) == (2, 2, 2))
      #expect(statistics.description == "2 buffered (at most 2), 0 dropped, 2 senders and 0 receivers wait")
      for _ in 0..<4 { _ = try channel.receive() }
      let receiver = spawn { _ = try? channel.receive() }
      letOthersRun()
      statistics = channel.statistics
      #expect((statistics.count, statistics.peak, statistics.waitingSenders) == (0, 2, 0))
      #expect(statistics.waitingReceivers == 1)
      channel.close()
      try receiver.wait()
    }
  }

  @Test func aChannelThatWouldDropEverythingTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Channel<Int>(.newest(0))
    }
    #expect(standardError(result).contains("write .newest(n) or .oldest(n) with n >= 1"))
  }

  @Test func aHandlerThatWouldNeverRunTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Channel<Int>(.bounded(3)) { _ in }
    }
    #expect(standardError(result).contains("or no onDrop:"))
  }
}

private final class Holder<Element: Sendable>: @unchecked Sendable {
  var value: Channel<Element>?
}
