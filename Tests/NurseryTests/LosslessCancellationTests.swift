import Nursery
import Testing

private struct Lost: Error {
  let sent: Int
  let received: Int
  let left: Int
}

/// Well-known bugs of other libraries, under every schedule of a small script.
@Suite struct LosslessCancellationTests {
  /// cats-effect 4571, kotlinx.coroutines 4337.
  @Test(arguments: [Channel<Int>.Capacity.unbuffered, .bounded(1)])
  func aReceiveRacedWithATimeoutNeverDropsAnElement(capacity: Channel<Int>.Capacity) throws {
    let report = try exploreSchedules {
      let channel = Channel<Int>(capacity)
      var sent = 0
      var received = 0
      try withNursery { nursery in
        let sender = nursery.goAsync { () -> Bool in
          try sleep(for: .seconds(1))
          return try withTimeoutOrNil(.seconds(5)) { try channel.send(1) } != nil
        }
        if try withTimeoutOrNil(.seconds(1), { try channel.receive() }) != nil { received = 1 }
        if received == 0,
          try channel.receiveOp().wrap({ _ in true }).or(sleepOp(for: .seconds(3)).wrap { false }).perform()
        {
          received = 1
        }
        sent = try sender.wait() ? 1 : 0
      }
      let left = channel.count
      if sent != received + left { throw Lost(sent: sent, received: received, left: left) }
    }
    #expect(report.isExhausted)
  }

  /// eio 356.
  @Test func theLosingSideOfARaceNeverConsumes() throws {
    let report = try exploreSchedules {
      let first = Channel<Int>(.bounded(1))
      let second = Channel<Int>(.bounded(1))
      var received = 0
      try withNursery { nursery in
        nursery.goAsync { try first.send(1) }
        nursery.goAsync { try second.send(1) }
        received = try choose(first.receiveOp(), second.receiveOp())
      }
      let left = first.count + second.count
      if received + left != 2 { throw Lost(sent: 2, received: received, left: left) }
    }
    #expect(report.isExhausted)
  }

  /// kotlinx.coroutines 67.
  @Test func aNestedTimeoutIsNeverMistakenForTheOuterOne() throws {
    let report = try exploreSchedules {
      let outcome = try withTimeoutOrNil(.seconds(1)) {
        do {
          return try withTimeout(.seconds(2)) { () -> String in
            try sleep(for: .seconds(5))
            return "slept"
          }
        } catch is TimeoutError {
          return "the inner one fired"
        }
      }
      if let outcome { throw DescribedError(outcome) }
    }
    #expect(report.isExhausted)
  }

  /// kotlinx.coroutines 3504: a timeout at the instant at which a resource is handed over.
  @Test func aResourceAcquiredAtTheInstantOfTheTimeoutIsNotLost() throws {
    let report = try exploreSchedules {
      let pool = Channel<Int>(.bounded(1))
      var held: Int?
      try withNursery { nursery in
        nursery.goAsync {
          try sleep(for: .seconds(1))
          try pool.send(7)
        }
        held = try withTimeoutOrNil(.seconds(1)) { try pool.receive() }
      }
      let left = pool.count
      if (held == nil ? 0 : 1) + left != 1 { throw Lost(sent: 1, received: held == nil ? 0 : 1, left: left) }
    }
    #expect(report.isExhausted)
  }

  @Test func aCancelledSendHasNotSent() throws {
    let report = try exploreSchedules {
      let channel = Channel<Int>()
      var received = 0
      var sent = false
      try withNursery { nursery in
        let sender = nursery.goAsync { try channel.send(1) }
        nursery.goAsync { sender.cancel() }
        if try channel.receiveOp().wrap({ _ in true }).or(sleepOp(for: .seconds(1)).wrap { false }).perform() {
          received = 1
        }
        if case .success = try sender.result() { sent = true }
      }
      if sent != (received == 1) { throw Lost(sent: sent ? 1 : 0, received: received, left: 0) }
    }
    #expect(report.isExhausted)
  }

  @Test func cancelledAtEveryBlockingCallAPipelineLosesNothing() throws {
    let calls = try exploreCancellations {
      (input: Channel<Int>(.bounded(3)), output: Channel<Int>(.bounded(3)))
    } body: { channels in
      for number in 1...3 { try channels.input.send(number) }
      channels.input.close()
      for number in channels.input {
        do {
          try channels.output.send(number)
        } catch {
          // The number has been taken and must be passed on, so use withShield.
          try withShield { try channels.output.send(number) }
          throw error
        }
      }
      // The loop also ends when the scope is cancelled.
      try Fiber.checkCancellation()
    } check: { channels, isCompleted in
      var passedOn: [Int] = []
      while let number = channels.output.tryReceive() { passedOn.append(number) }
      var left: [Int] = []
      while let number = channels.input.tryReceive() { left.append(number) }
      let all = passedOn + left
      if all != Array(1...3).prefix(all.count).map({ $0 }) { throw DescribedError("\(passedOn) \(left)") }
      if isCompleted, passedOn != [1, 2, 3] { throw DescribedError("\(passedOn)") }
    }
    #expect(calls >= 9)
  }

  @Test func aCheckThatFailsNamesTheCall() throws {
    let failure = try #require(throws: CancellationInjectionFailure.self) {
      try exploreCancellations {
        Channel<Int>(.bounded(4))
      } body: { channel in
        try channel.send(1)
        _ = try channel.receive()
        try channel.send(2)
      } check: { channel, isCompleted in
        if !isCompleted, channel.count == 0 { throw DescribedError("taken and not replaced") }
      }
    }
    #expect(failure.call == 1 || failure.call == 3)
  }
}

private struct DescribedError: Error {
  let text: String

  init(_ text: String) {
    self.text = text
  }
}
