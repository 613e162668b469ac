import Nursery

/// A scene, which checks itself.
struct Scene: Sendable {
  let play: @Sendable () throws -> Void

  static let all = [
    "messages": Scene(play: messages), "choices": Scene(play: choices), "timeouts": Scene(play: timeouts),
    "cancellations": Scene(play: cancellations), "spawns": Scene(play: spawns),
  ]

  private static let count = 10_000

  /// Every message arrives once, over channels with and without a buffer.
  private static func messages() throws {
    for capacity in [0, 1, 7] {
      let numbers = Channel<Int>(.bounded(capacity))
      goAsync {
        for number in 0..<count { try numbers.send(number) }
        numbers.close()
      }
      require(numbers.reduce(0, +) == count * (count - 1) / 2, "a message was lost")
    }
  }

  /// Two choices over the same channels in opposite orders exchange everything.
  private static func choices() throws {
    let (left, right) = (Channel<Int>(), Channel<Int>())
    let sum = try withNursery { nursery in
      nursery.goAsync { for number in 0..<count { _ = try choose(left.sendOp(number), right.sendOp(number)) } }
      return try (0..<count).reduce(0) { sum, _ in try sum + choose(right.receiveOp(), left.receiveOp()) }
    }
    require(sum == count * (count - 1) / 2, "a message was lost")
  }

  /// A timeout that loses leaves nothing; one that wins takes nothing.
  private static func timeouts() throws {
    let numbers = Channel<Int>()
    try withNursery { nursery in
      nursery.goAsync { for number in 0..<count { try numbers.send(number) } }
      for number in 0..<count {
        require(
          try numbers.receiveOp().orTimeout(after: .seconds(9)).perform() == number, "another number was received")
      }
    }
    require(Scheduler.current?.statistics.timers == 0, "a timer was left")
    do {
      _ = try numbers.receiveOp().orTimeout(after: .milliseconds(1)).perform()
      require(false, "nothing was sent")
    } catch is TimeoutError {}
  }

  /// The cancellation reaches every parked fiber.
  private static func cancellations() throws {
    let numbers = Channel<Int>()
    for _ in 0..<10 {
      var fibers: [Fiber<Void>] = []
      try withNursery { nursery in
        for _ in 0..<100 { fibers.append(nursery.goAsync { _ = try numbers.receive() }) }
        waitUntilAllParked()
        nursery.cancel()
      }
      for fiber in fibers {
        do {
          try fiber.wait()
          require(false, "a cancelled fiber went on")
        } catch is CancellationError {}
      }
    }
  }

  /// Every child returns its own value, of any size, in new and in reused records.
  private static func spawns() throws {
    for number in 0..<count {
      let small = goAsync { number }
      let text = goAsync { "number \(number) is rather a long one" }
      let large = goAsync { (number, number + 1, number + 2, number + 3) }
      require(try small.wait() == number, "another fiber's number")
      require(try text.wait() == "number \(number) is rather a long one", "another fiber's text")
      require(try large.wait() == (number, number + 1, number + 2, number + 3), "another fiber's numbers")
      require(try small.wait() == number, "another fiber's number, the second time")
    }
  }
}
