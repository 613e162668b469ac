import NurseryCore
import Testing

/// Places in a buffer that are reserved before the element exists.
struct ChannelReserveTests {
  @Test func aPermitSendsWithoutWaitingAndOnlyItsPlaceIsTaken() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(2))
      let permit = try channel.reserve()
      #expect(channel.statistics.reserved == 1)
      try #expect(channel.trySend(1) == true)
      try #expect(channel.trySend(2) == false, "the other place is reserved")
      try #expect(channel.reserveOp().poll() == nil)
      permit.send(3)
      #expect(channel.statistics.reserved == 0)
      try #expect(channel.trySend(4) == false)
      channel.close()
      #expect(Array(channel) == [1, 3])
    }
  }

  @Test func aClosedChannelAcceptsNothingWhileAReceiverWaitsForAReservedPlace() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      let permit = try channel.reserve()
      let receiver = spawn { try channel.receive() }
      letOthersRun()
      channel.close()
      expectThrows(ChannelClosedError()) { try channel.send(1) }
      expectThrows(ChannelClosedError()) { _ = try channel.trySend(1) }
      expectThrows(ChannelClosedError()) { try channel.sendOp(1).perform() }
      permit.send(2)
      try #expect(receiver.wait() == 2)
    }
  }

  enum Ending: CaseIterable { case released, dropped, sentToBuffer, sentToReceiver }

  @Test(arguments: Ending.allCases, parallelisms)
  func aPlaceThatIsGivenBackGoesToAWaiter(ending: Ending, workers: Int) throws {
    try virtually(workers) {
      let channel = Channel<Int>(.bounded(1))
      var permit: Channel<Int>.Permit? = try channel.reserve()
      let next = spawn { try channel.reserve().send(2) }
      letOthersRun()
      if workers == 1 { #expect(channel.statistics.waitingSenders == 1) }
      switch ending {
      case .released: permit?.release()
      case .dropped: permit = nil
      case .sentToBuffer:
        permit?.send(1)
        try #expect(channel.receive() == 1)
      case .sentToReceiver:
        let receiver = spawn { try #expect(channel.receive() == 1) }
        letOthersRun()
        permit?.send(1)
        try receiver.wait()
      }
      try next.wait()
      try #expect(channel.receive() == 2)
      #expect(channel.statistics.reserved == 0)
    }
  }

  @Test func aSenderThatWaitsForAReservedPlaceStillMeetsAReceiver() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      let permit = try channel.reserve()
      let sender = spawn { try channel.send(1) }
      letOthersRun()
      try #expect(channel.receive() == 1)
      try sender.wait()
      permit.send(2)
      try #expect(channel.receive() == 2)
    }
  }

  @Test(arguments: parallelisms) func aReservedPermitStillSendsAfterACloseAndReceiversWaitForIt(workers: Int) throws {
    try virtually(workers) {
      let channel = Channel<Int>(.bounded(2))
      let permit = try channel.reserve()
      let other = try channel.reserve()
      let reserver = spawn {
        expectThrows(ChannelClosedError.self) { _ = try channel.reserve() }
      }
      letOthersRun()
      channel.close()
      _ = try reserver.wait()
      expectThrows(ChannelClosedError.self) { _ = try channel.reserve() }
      expectThrows(ChannelClosedError.self) { try channel.send(1) }
      let received = Log<Int>()
      let receiver = spawn {
        while let element = try channel.next() { received.append(element) }
      }
      letOthersRun()
      permit.send(7)
      letOthersRun()
      if workers == 1 { #expect(channel.statistics.waitingReceivers == 1) }
      other.release()
      try receiver.wait()
      #expect(received.entries == [7])
      expectThrows(ChannelClosedError.self) { _ = try channel.receive() }
    }
  }

  @Test func sendersAndReserversGetPlacesInTurns() throws {
    let received = try virtually {
      let channel = Channel<Int>(.bounded(1))
      try channel.send(0)
      // Two senders, then two reservers.
      for number in [1, 3, 2, 4] {
        spawn { if number % 2 == 1 { try channel.send(number) } else { try channel.reserve().send(number) } }
        letOthersRun()
      }
      return try (0...4).map { _ in
        let element = try channel.receive()
        // The reserver that has got the place sends.
        while channel.statistics.reserved > 0 { Performer.yield() }
        return element
      }
    }
    #expect(received == [0, 1, 2, 3, 4])
  }

  @Test(arguments: parallelisms) func noElementIsLostWhereSomeSendAndOthersReserve(workers: Int) throws {
    let received = try virtually(workers) {
      let channel = Channel<Int>(.bounded(2))
      let children = (0..<4).map { number in
        spawn {
          for _ in 0..<100 {
            if number % 2 == 0 { try channel.send(number) } else { try channel.reserve().send(number) }
          }
        }
      }
      let received = try (0..<400).map { _ in try channel.receive() }
      for child in children { try child.wait() }
      #expect(channel.statistics.reserved == 0)
      return received
    }
    for number in 0..<4 { #expect(received.filter { $0 == number }.count == 100) }
  }

  @Test func aReservationThatLosesReservesNothing() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      try #expect(choose(.biased([.always(7), channel.reserveOp().wrap { _ in 8 }]), .never) == 7)
      try channel.send(1)
      expectThrows(TimeoutError.self) { _ = try channel.reserveOp().orTimeout(after: .seconds(1)).perform() }
      #expect(channel.statistics.reserved == 0)
      try #expect(channel.receive() == 1)
      try #expect(channel.trySend(2) == true)
    }
  }

  @Test func aPermitThatIsUsedTwiceTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try virtually {
        let permit = try Channel<Int>(.bounded(2)).reserve()
        permit.send(1)
        permit.send(2)
      }
    }
    #expect(standardError(result).contains("call reserve() for each element"))
  }

  @Test func anUnbufferedChannelHasNoPlaceToReserve() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Channel<Int>().reserveOp()
    }
    #expect(standardError(result).contains("write Channel(.bounded(n))"))
  }
}
