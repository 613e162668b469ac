import Nursery
import Testing

/// The rules of cancellation, each under every schedule of a small script.
struct CancellationRules {
  @Test func onceAScopeIsCancelledEveryBlockingCallInItThrowsUntilItExits() throws {
    try underEverySchedule {
      let ready = Channel<Int>(.bounded(2))
      try ready.send(1)
      try withCancelScope { scope in
        scope.cancel()
        for _ in 0..<2 {
          try holdThrows(CancellationError.self) { try ready.receive() }
          try holdThrows(CancellationError.self) { try ready.send(2) }
          try holdThrows(CancellationError.self) { try Op.always(1).perform() }
          try holdThrows(CancellationError.self) { try sleep(for: .zero) }
        }
      }
      try hold(ready.receive() == 1, "it is gone")
    }
  }

  @Test func theFirstReasonWins() throws {
    try underEverySchedule {
      let reason = Guarded<CancellationReason?>(nil)
      try withNursery { nursery in
        nursery.goAsync {
          nursery.cancel("first")
          reason.withLock { $0 = $0 ?? .requested("first") }
        }
        nursery.goAsync {
          nursery.cancel("second")
          reason.withLock { $0 = $0 ?? .requested("second") }
        }
        try? Op<Void>.never.perform()
        try hold(nursery.reason == reason.withLock { $0 }, "\(nursery.reason!)")
      }
    }
  }

  @Test func ifTheCommitBeatsTheCancellationTheValueIsReturnedAndTheNextCallThrows() throws {
    try underEverySchedule {
      let channel = Channel<Int>()
      let taken = Counter()
      let sent = Counter()
      try withNursery { nursery in
        let receiver = nursery.goAsync {
          taken.add(try channel.receive())
          Fiber.yield()
          if Fiber.isCancelled { try holdThrows(CancellationError.self) { try sleep(for: .zero) } }
        }
        nursery.goAsync { receiver.cancel() }
        let sender = nursery.goAsync { sent.add(try channel.sendOp(1).wrap { 1 }.perform()) }
        _ = try receiver.result()
        sender.cancel()
      }
      try hold(taken.value == sent.value, "\(sent.value) sent, \(taken.value) taken")
    }
  }

  @Test(arguments: [Channel<Int>.Capacity.unbuffered, .bounded(1)])
  func aCallThatThrowsCancellationOrTimeoutHadNoEffect(capacity: Channel<Int>.Capacity) throws {
    try underEverySchedule {
      let channel = Channel<Int>(capacity)
      let sent = Counter()
      let received = Counter()
      try withNursery { nursery in
        let sender = nursery.goAsync {
          try channel.send(1)
          sent.add()
        }
        nursery.goAsync {
          try sleep(for: .seconds(1))
          sender.cancel()
        }
        do {
          _ = try channel.receiveOp().orTimeout(after: .seconds(1)).perform()
          received.add()
        } catch is TimeoutError {}
      }
      try hold(sent.value == received.value + channel.count, "\(sent.value), \(received.value), \(channel.count)")
    }
  }

  @Test func aScopeAbsorbsOnlyItsOwnCancellation() throws {
    try underEverySchedule {
      let log = Log<String>()
      try withNursery { nursery in
        let ended: Void? = try withCancelScope { outer in
          nursery.goAsync { outer.cancel() }
          let inner: Void? = try withCancelScope { inner in
            nursery.goAsync { inner.cancel() }
            try Op<Void>.never.perform()
          }
          log.append("inner \(inner == nil), outer cancelled \(outer.isCancelled)")
          try Op<Void>.never.perform()
        }
        try hold(ended == nil, "the outer scope was not absorbed")
      }
      try hold(log.entries.isEmpty || log.entries == ["inner true, outer cancelled false"], "\(log.entries)")
    }
  }

  @Test func ofNestedTimeoutsTheErrorSaysWhoseDeadlineItWas() throws {
    for (inner, outer) in [(1, 2), (2, 1), (1, 1)] {
      try underEverySchedule {
        let outerLine = #line + 2
        do {
          try withTimeout(.seconds(outer)) {
            try withTimeout(.seconds(inner)) { try Op<Void>.never.perform() }
          }
        } catch let error as TimeoutError {
          let expected = inner < outer ? outerLine + 1 : outerLine
          try hold(error.site.line == expected, "\(error), but line \(expected) was expected")
          try hold(error.duration == .seconds(min(inner, outer)), "\(error)")
        }
      }
    }
  }

  @Test func aShieldHidesTheOuterCancellationAndItsOwnDeadlineStillApplies() throws {
    try underEverySchedule {
      let log = Log<String>()
      try withNursery { nursery in
        let child = nursery.goAsync {
          try withShield {
            try holdThrows(TimeoutError.self) { try withTimeout(.seconds(1)) { try Op<Void>.never.perform() } }
            try sleep(for: .seconds(1))
            log.append("done")
          }
          try holdThrows(CancellationError.self) { try sleep(for: .zero) }
          log.append("cancelled")
        }
        nursery.goAsync { nursery.cancel() }
        _ = try withShield { try child.result() }
      }
      try hold(log.entries == ["done", "cancelled"] || log.entries == [], "\(log.entries)")
    }
  }

  @Test func cancellingOneChildDoesNotFailItsNursery() throws {
    try underEverySchedule {
      let value = try withNursery { nursery in
        let one = nursery.goAsync { try Op<Void>.never.perform() }
        let other = nursery.goAsync { () -> Int in
          try sleep(for: .seconds(1))
          return 7
        }
        nursery.goAsync { one.cancel() }
        try holdThrows(CancellationError.self) { try one.wait() }
        return try other.wait()
      }
      try hold(value == 7, "\(value)")
    }
  }

  @Test func aNurseryAbsorbsItsOwnCancellation() throws {
    try underEverySchedule {
      let value = try withNursery { nursery in
        nursery.goAsync { try Op<Void>.never.perform() }
        nursery.goAsync { nursery.cancel() }
        try? Op<Void>.never.perform()
        return 1
      }
      try hold(value == 1, "\(value)")
      try withNursery { nursery in
        nursery.goAsync { nursery.cancel() }
        try Op<Void>.never.perform()
      }
      try holdThrows(NurseryCancelledError.self) {
        try withNursery { nursery in
          nursery.goAsync { nursery.cancel() }
          return try Op<Int>.never.perform()
        }
      }
    }
  }

  @Test func iterationEndsInACancelledScopeAndTheNextCallThrows() throws {
    try underEverySchedule {
      let numbers = Channel<Int>(.bounded(1))
      let log = Log<String>()
      try withNursery { nursery in
        let reader = nursery.goAsync {
          for _ in numbers { log.append("element") }
          try holdThrows(CancellationError.self) { try sleep(for: .zero) }
          log.append("threw")
        }
        nursery.goAsync { reader.cancel() }
        nursery.goAsync { try numbers.send(1) }
      }
      try hold(log.entries.last == "threw", "\(log.entries)")
      try hold(log.entries.count - 1 + numbers.count == 1, "lost: \(log.entries)")
    }
  }

  @Test func aChildSpawnedIntoACancelledNurseryNeverRuns() throws {
    try underEverySchedule {
      let ran = Counter()
      try withNursery { nursery in
        nursery.goAsync { nursery.cancel() }
        try? sleep(for: .seconds(1))
        let child = nursery.goAsync { ran.add() }
        try withShield { try holdThrows(CancellationError.self) { try child.wait() } }
      }
      try hold(ran.value == 0, "it ran")
    }
  }
}
