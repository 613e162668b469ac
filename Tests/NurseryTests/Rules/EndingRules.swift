import Nursery
import Testing

/// The rules of how a nursery ends, each under every schedule of a small script.
struct EndingRules {
  @Test(arguments: NurseryEvents.all) func aNurseryEndsAsWhatHappenedInItSays(events: NurseryEvents) throws {
    let suppressed = Log<any Error>()
    try underEverySchedule(onSuppressedError: { suppressed.append($0) }) { try events.check(suppressed, due: 7) }
    try underEverySchedule(onSuppressedError: { suppressed.append($0) }) { try events.check(suppressed, due: ()) }
  }

  @Test(arguments: [(1, 2), (2, 1), (1, 1)])
  func aTimeoutReportsItsOwnDeadlineAndNotTheNurserysCancellation(inside: Int, outside: Int) throws {
    try underEverySchedule {
      let outcome = Result { try endNursery(after: inside, in: outside, due: ()) }
      switch outcome {
      case .success: try hold(inside <= outside, "the nursery's cancellation came first")
      case .failure(let error): try hold(error is TimeoutError && outside <= inside, "\(error)")
      }
    }
    try underEverySchedule {
      do {
        _ = try endNursery(after: inside, in: outside, due: 1)
        throw Broken("a value without a body's")
      } catch is NurseryCancelledError {
        try hold(inside <= outside, "the nursery's cancellation came first")
      } catch is TimeoutError {
        try hold(outside <= inside, "the timeout's came first")
      }
    }
  }

  @Test func onlyTheCancellationIsAbsorbed() throws {
    try underEverySchedule {
      // The end of a drain's grace also counts as its own cancellation.
      try withNursery { nursery in
        nursery.drain(grace: .seconds(1))
        try Op<Void>.never.perform()
      }
      do {
        _ = try withNursery { nursery in
          nursery.drain(grace: .seconds(1))
          return try Op<Int>.never.perform()
        }
        throw Broken("a value")
      } catch let error as NurseryCancelledError {
        try hold(error.reason == .drained, "\(error)")
      }
      // The cancellation of one fiber comes from outside the nurseries that it has opened.
      try withNursery { nursery in
        let child = nursery.goAsync {
          try withNursery { inner in
            inner.goAsync { inner.cancel() }
            try withShield { try sleep(for: .seconds(1)) }
            try sleep(for: .zero)
          }
        }
        nursery.goAsync { child.cancel() }
        try holdThrows(CancellationError.self) { try child.wait() }
      }
    }
  }

  @Test func aCancellationErrorOfTheBodysOwnPassesUnchanged() throws {
    try underEverySchedule {
      try holdThrows(CancellationError.self) { try withNursery { _ in throw CancellationError() } }
      try holdThrows(CancellationError.self) {
        try withNursery { nursery in
          let child = nursery.goAsync { try Op<Void>.never.perform() }
          nursery.goAsync { child.cancel() }
          nursery.goAsync { try Op<Void>.never.perform() }
          try child.wait()
        }
      }
    }
  }

  @Test func aNurseryCancelledErrorIsAFailureLikeAnyOther() throws {
    try underEverySchedule {
      let ended = Counter()
      try holdThrows(NurseryCancelledError.self) {
        try withNursery { outer in
          outer.goAsync {
            defer { ended.add() }
            try Op<Void>.never.perform()
          }
          outer.goAsync {
            _ = try withNursery { inner in
              inner.goAsync { inner.cancel() }
              return try Op<Int>.never.perform()
            }
          }
        }
      }
      try hold(ended.value < 2, "\(ended.value)")
    }
  }

  @Test func anEndingWithoutAResultIsAnEnding() throws {
    try underEverySchedule {
      // A map throws it, whether it waits for a helper, for the next element, or for the results.
      try holdThrows(CancellationError.self) {
        try [1, 2, 3].concurrentMap(limit: 1) { number in
          if number == 1 { throw CancellationError() }
          return number
        }
      }
      let numbers = Channel<Int>(.bounded(1))
      try numbers.send(1)
      try holdThrows(CancellationError.self) { try numbers.concurrentMap(limit: 2) { _ in throw CancellationError() } }
    }
    try underEverySchedule {
      try holdThrows(CancellationError.self) {
        try [1, 2].concurrentMap(limit: 2) { number in
          if number == 2 { throw CancellationError() }
          try Op<Void>.never.perform()
        }
      }
    }
    try underEverySchedule {
      // So do a race, `inCompletionOrder`, `waitFirst` and `start`.
      try holdThrows(CancellationError.self) {
        try race({ throw CancellationError() }, { try Op<Void>.never.perform() })
      }
      try withNursery { nursery in
        let fiber = nursery.goAsync { throw CancellationError() }
        try holdThrows(CancellationError.self) { try inCompletionOrder([fiber]).receive().wait() }
        try holdThrows(CancellationError.self) { try waitFirst([fiber]) }
        try holdThrows(CancellationError.self) { try nursery.start { _ in throw CancellationError() } }
      }
    }
  }

  @Test(arguments: 1...2) func aMapEndsAsItsTransformsNurserySays(limit: Int) throws {
    try underEverySchedule {
      try holdThrows(NurseryCancelledError.self) {
        try ["a", "b", "c"].concurrentMap(limit: limit) { name in
          try withNursery { nursery in
            nursery.goAsync { if name == "a" { nursery.cancel("not needed") } }
            try sleep(for: .seconds(1))
            return name
          }
        }
      }
    }
    try underEverySchedule {
      try withNursery { nursery in
        let child = nursery.goAsync { try Op<Int>.never.perform() }
        nursery.goAsync { child.cancel() }
        try holdThrows(CancellationError.self) { try (0..<2).concurrentMap(limit: 1) { _ in try child.wait() } }
      }
    }
  }
}
