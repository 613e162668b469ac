import Nursery
import Testing

/// Random mixtures on two workers; every element that goes in must come out.
@Suite(.serialized) struct StressTests {
  @Test(arguments: [1, 2, 3]) func everySentElementIsReceivedByAnyKindOfCall(workers: Int) throws {
    for round in 0..<10 * stressFactor {
      let ledger = Ledger()
      let left = try runFibers(Configuration(parallelism: workers)) {
        let channels = (0..<4).map { Channel<Int>(.bounded([0, 0, 1, 5][$0])) }
        try withNursery { nursery in
          for number in 0..<20 {
            nursery.goAsync { try mix(channels, ledger, number + round * 1000, turns: 200) }
          }
          nursery.goAsync {
            for _ in 0..<200 { try sleep(for: .microseconds(5)) }
          }
        }
        for channel in channels { channel.close() }
        return channels.reduce(0) { $0 + $1.reduce(0, +) }
      }
      #expect(ledger.sent.value == ledger.received.value + left)
    }
  }

  /// One fiber's share of the mixture.
  private func mix(_ channels: [Channel<Int>], _ ledger: Ledger, _ seed: Int, turns: Int) throws {
    var dice = Dice(seed)
    for turn in 1...turns {
      let one = channels[dice.roll(4)]
      let other = channels[dice.roll(4)]
      switch dice.roll(9) {
      case 0: if try one.trySend(turn) { ledger.sent.add(turn) }
      case 1: if let value = one.tryReceive() { ledger.received.add(value) }
      case 2:
        let timeout = timeoutOp(after: .microseconds(dice.roll(50))).wrap { 0 }
        ledger.sent.add(try one.sendOp(turn).wrap { turn }.or(timeout).perform())
      case 3:
        let timeout = timeoutOp(after: .microseconds(dice.roll(50))).wrap { 0 }
        ledger.received.add(try one.receiveOp().or(timeout).perform())
      case 4:
        ledger.sent.add(try withTimeoutOrNil(.microseconds(dice.roll(40))) { try one.send(turn) } == nil ? 0 : turn)
      case 5:
        ledger.received.add(try withTimeoutOrNil(.microseconds(dice.roll(40))) { try one.receive() } ?? 0)
      case 6:
        let net = try choose(
          one.sendOp(turn).wrap { turn }, other.receiveOp().wrap { -$0 },
          timeoutOp(after: .microseconds(dice.roll(80))).wrap { 0 })
        if net > 0 { ledger.sent.add(net) } else { ledger.received.add(-net) }
      case 7:
        if let value = try one.receiveOp().or(other.receiveOp()).poll() { ledger.received.add(value) }
      default: Fiber.yield()
      }
    }
  }

  @Test(arguments: [2, 3]) func opposingChoicesUnderCancellationNeitherHangNorCommitTwice(workers: Int) throws {
    for round in 0..<20 * stressFactor {
      let ledger = Ledger()
      try runFibers(Configuration(parallelism: workers)) {
        let left = Channel<Int>()
        let right = Channel<Int>()
        try withNursery { nursery in
          for number in 0..<10 {
            nursery.goAsync {
              for turn in 1...100 {
                ledger.sent.add(try choose(left.sendOp(turn).wrap { turn }, right.sendOp(turn).wrap { turn }))
              }
            }
            nursery.goAsync {
              for _ in 1...100 {
                ledger.received.add(try choose(right.receiveOp(), left.receiveOp()))
              }
            }
            if number % 3 == 0 {
              let both = nursery.goAsync {
                while true {
                  let net = try choose(
                    left.sendOp(1).wrap { 1 }, left.receiveOp().wrap { -$0 }, right.receiveOp().wrap { -$0 },
                    right.sendOp(1).wrap { 1 })
                  if net > 0 { ledger.sent.add(net) } else { ledger.received.add(-net) }
                }
              }
              nursery.goAsync {
                try sleep(for: .microseconds(round % 50 * 10))
                both.cancel()
              }
            }
          }
          nursery.goAsync {
            try sleep(for: .milliseconds(round % 7 + 1))
            nursery.cancel()
          }
        }
      }
      #expect(ledger.sent.value == ledger.received.value)
    }
  }

  @Test(arguments: [1, 2, 3]) func stormsOfSpawningAndCancellingEnd(workers: Int) throws {
    let census = Census()
    for round in 0..<10 * stressFactor {
      try runFibers(Configuration(parallelism: workers)) {
        try withCancelScope { scope in
          try withNursery { nursery in
            for number in 0..<30 { nursery.goAsync { try grow(nursery, census, round * 100 + number, depth: 4) } }
            try sleep(for: .microseconds(round % 11 * 100))
            if round % 3 == 0 { scope.cancel() } else { nursery.cancel() }
          }
        }
      }
      #expect(census.count == 0)
    }
  }

  private func grow(_ nursery: Nursery, _ census: Census, _ seed: Int, depth: Int) throws {
    var dice = Dice(seed)
    let member = census.make()
    defer { withExtendedLifetime(member) {} }
    if depth == 0 { return try Op<Void>.never.perform() }
    let shared = Channel<Census.Member>()
    for number in 0..<2 + dice.roll(3) {
      let next = seed * 31 + number
      let child = nursery.goAsync {
        try withTimeoutOrNil(.microseconds(next % 200)) {
          try withNursery { inner in
            inner.goAsync { try shared.send(census.make()) }
            try grow(inner, census, next, depth: depth - 1)
          }
        }
      }
      switch dice.roll(4) {
      case 0: child.cancel()
      case 1: _ = try child.result()
      case 2: _ = try withTimeoutOrNil(.microseconds(20)) { try child.wait() }
      default: break
      }
    }
  }

  @Test(arguments: [1, 2]) func plainThreadsAndFibersOfTwoSchedulersShareAChannel(workers: Int) throws {
    for _ in 0..<20 * stressFactor {
      let ledger = Ledger()
      let channel = Channel<Int>()
      let done = Channel<Void>(.bounded(10))
      let turns = 100
      let receivers = (0..<2).map { _ in
        PlainThread {
          for value in channel { ledger.received.add(value) }
        }
      }
      let senders = (0..<2).map { _ in
        PlainThread {
          for turn in 1...turns {
            ledger.sent.add(try channel.sendOp(turn).wrap { turn }.or(channel.receiveOp().wrap { -$0 }).perform())
          }
          try done.send(())
        }
      }
      let scheduler = PlainThread {
        try runFibers(Configuration(parallelism: workers)) {
          try withNursery { nursery in
            for _ in 0..<4 {
              nursery.goAsync {
                for turn in 1...turns {
                  if try channel.trySend(turn) { ledger.sent.add(turn) } else { Fiber.yield() }
                }
                try done.send(())
              }
            }
          }
        }
      }
      try runFibers(Configuration(parallelism: workers)) {
        try withNursery { nursery in
          for _ in 0..<4 {
            nursery.goAsync {
              for turn in 1...turns {
                try channel.send(turn)
                ledger.sent.add(turn)
              }
              try done.send(())
            }
          }
          for _ in 0..<10 { try done.receive() }
          channel.close()
        }
      }
      for thread in senders { try thread.join() }
      for thread in receivers { try thread.join() }
      try scheduler.join()
      #expect(ledger.sent.value == ledger.received.value)
    }
  }
}
