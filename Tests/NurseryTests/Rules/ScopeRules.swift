import Nursery
import Testing

/// The rules of nurseries, each under every schedule of a small script.
struct ScopeRules {
  @Test func withNurseryReturnsOnlyAfterEveryChildHasEnded() throws {
    try underEverySchedule {
      let ended = Counter()
      try withNursery { nursery in
        for number in 0..<2 {
          nursery.goAsync {
            try sleep(for: .seconds(number))
            nursery.goAsync { ended.add() }
            ended.add()
          }
        }
      }
      try hold(ended.value == 4, "\(ended.value)")
    }
  }

  @Test func theOrderIsBodyChildrenDaemonsHooksThenThrow() throws {
    try underEverySchedule {
      let log = Log<String>()
      do {
        try withNursery { nursery in
          nursery.onExit { log.append("hook 1") }
          nursery.onExit { log.append("hook 2") }
          nursery.goAsync(daemon: true) {
            defer { log.append("daemon") }
            try Op<Void>.never.perform()
          }
          nursery.goAsync {
            defer { log.append("child") }
            try? Op<Void>.never.perform()
          }
          Fiber.yield()
          log.append("body")
          throw Oops()
        }
      } catch is Oops {
        log.append("throw")
      }
      let entries = log.entries
      try hold(entries.first == "body" && entries.suffix(3) == ["hook 2", "hook 1", "throw"], "\(entries)")
      try hold(Set(entries[1..<3]) == ["child", "daemon"], "\(entries)")
    }
  }

  @Test func failFastThrowsTheFirstFailureAsItIsAndHandsTheRestToTheHandler() throws {
    try underEverySchedule {
      let order = Log<Int>()
      do {
        try withNursery { nursery in
          for number in 1...2 {
            nursery.goAsync {
              try? sleep(for: .seconds(1))
              order.append(number)
              throw Oops(number)
            }
          }
        }
        throw Broken("nothing was thrown")
      } catch let error as Oops {
        try hold(error.number == order.entries.first, "\(error) of \(order.entries)")
      }
    }
  }

  @Test func collectAndSuperviseThrowEveryFailure() throws {
    try underEverySchedule {
      for policy in [FailurePolicy.collect, .supervise] {
        let finished = Counter()
        do {
          try withNursery(onFailure: policy) { nursery in
            nursery.goAsync { throw Oops(1) }
            nursery.goAsync {
              defer { finished.add() }
              try sleep(for: .seconds(1))
              finished.add()
              throw Oops(2)
            }
          }
          throw Broken("nothing was thrown")
        } catch let group as ErrorGroup {
          let expected = policy == .collect ? [Oops(1)] : [Oops(1), Oops(2)]
          try hold(group.errors(of: Oops.self) == expected, "\(policy): \(group)")
        }
        try hold(finished.value == 2 || policy == .collect, "a supervised sibling did not run on")
      }
    }
  }

  @Test func aCancellationErrorNeverMasksARealError() throws {
    try underEverySchedule {
      try holdThrows(Oops.self) {
        try withNursery { nursery in
          nursery.goAsync { try Op<Void>.never.perform() }
          nursery.goAsync { throw Oops(1) }
          try Op<Void>.never.perform()
        }
      }
    }
  }

  @Test func aChildsErrorRethrownByTheBodyCountsOnce() throws {
    try underEverySchedule {
      do {
        try withNursery(onFailure: .collect) { nursery in
          let child = nursery.goAsync { throw Oops(1) }
          do { try child.wait() } catch is CancellationError { return }
        }
      } catch let group as ErrorGroup {
        try hold(group.errors.count == 1, "\(group)")
      }
    }
  }

  @Test func aFailureThatTheBodyCatchesStillFailsTheNursery() throws {
    try underEverySchedule {
      try holdThrows(Oops.self) {
        try withNursery { nursery in
          let child = nursery.goAsync { throw Oops(1) }
          do { try child.wait() } catch {}
        }
      }
    }
  }

  @Test(arguments: [FailurePolicy.failFast, .collect, .supervise])
  func goAndWaitIsACallWhoseErrorIsTheCallersAlone(policy: FailurePolicy) throws {
    try underEverySchedule {
      let log = Log<String>()
      try withNursery(onFailure: policy) { nursery in
        nursery.goAsync {
          try holdThrows(Oops.self) { try goAndWait { throw Oops(1) } }
          try sleep(for: .seconds(1))
          log.append("went on")
        }
        try holdThrows(Oops.self) { try goAndWait { throw Oops(2) } }
        try hold(!nursery.isCancelled, "the nursery has failed")
      }
      try hold(log.entries == ["went on"], "\(log.entries)")
    }
  }

  @Test func goAndWaitsFunctionRunsInTheCallersCurrentScopeAndHasEndedWhenItReturns() throws {
    try underEverySchedule {
      let log = Log<String>()
      try withNursery { nursery in
        let caller = nursery.goAsync {
          try holdThrows(TimeoutError.self) {
            try withTimeout(.seconds(1)) {
              try goAndWait {
                defer { log.append("ended") }
                try Op<Void>.never.perform()
              }
            }
          }
          log.append("returned")
          // It completes although it is cancelled, so its value is returned, as by any call.
          let value = try goAndWait {
            try? Op<Void>.never.perform()
            return 2
          }
          try hold(value == 2, "the value was lost")
          try withShield { try goAndWait { try sleep(for: .seconds(1)) } }
          try holdThrows(CancellationError.self) { try goAndWait { log.append("ran") } }
        }
        nursery.goAsync {
          try sleep(for: .milliseconds(1500))
          caller.cancel()
        }
      }
      try hold(log.entries == ["ended", "returned"], "\(log.entries)")
    }
  }

  @Test func goAndWaitsFunctionTakesNoTurnAndSpawnsIntoTheEnclosingNursery() throws {
    try underEverySchedule {
      let ended = Counter()
      try withNursery(limit: 1) { nursery in
        nursery.goAsync {
          try goAndWait {
            try goAndWait {
              goAsync { ended.add() }
              try hold(nursery.childCount == 2, "\(nursery.childCount)")
            }
          }
        }
      }
      try hold(ended.value == 1, "\(ended.value)")
    }
  }

  @Test func anErrorBeforeStartedIsThrownByStartAndOneAfterwardsFailsTheNursery() throws {
    try underEverySchedule {
      try withNursery { nursery in
        try holdThrows(Oops.self) {
          try nursery.start { _ in
            try sleep(for: .seconds(1))
            throw Oops(1)
          }
        }
        try holdThrows(NotStartedError.self) { try nursery.start { _ in } }
        try hold(!nursery.isCancelled, "start's error has failed the nursery")
      }
      try holdThrows(Oops.self) {
        try withNursery { nursery in
          try nursery.start { started in
            started()
            throw Oops(2)
          }
        }
      }
    }
  }

  @Test func drainMakesDrainingReadyAndCancelsWhenTheGraceIsOver() throws {
    try underEverySchedule {
      let log = Log<String>()
      try withNursery { nursery in
        nursery.goAsync {
          try nursery.drainingOp().perform()
          log.append("polite")
        }
        nursery.goAsync {
          defer { log.append("\(Fiber.cancellationReason == .drained)") }
          try Op<Void>.never.perform()
        }
        nursery.drain(grace: .seconds(1))
      }
      try hold(log.entries == ["polite", "true"], "\(log.entries)")
    }
  }

  @Test func theBodyRunsOnTheCallersFiber() throws {
    try underEverySchedule {
      let me = Fiber.current
      var local = 0
      try withNursery { nursery in
        nursery.goAsync { Fiber.yield() }
        Fiber.yield()
        local += 1
        try hold(Fiber.current?.id == me?.id, "another fiber")
      }
      try hold(local == 1, "\(local)")
    }
  }
}
