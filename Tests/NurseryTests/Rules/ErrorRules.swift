import Nursery
import Testing

/// Each error that user code throws is seen exactly once: a call throws it, or the handler gets it.
///
/// User code fails in every place in which it runs, under every schedule of a small script.
struct ErrorRules {
  @Test(arguments: [FailurePolicy.failFast, .collect, .supervise])
  func errorsOfChildrenDaemonsHooksAndTheBodyAreSeenOnce(policy: FailurePolicy) throws {
    try eachErrorIsSeenOnce { sightings in
      try withNursery(onFailure: policy) { nursery in
        nursery.onExit { throw sightings.failure(1) }
        nursery.onExit { throw sightings.failure(2) }
        nursery.goAsync(daemon: true) { try sightings.failWhenCancelled(3) }
        nursery.goAsync { throw sightings.failure(4) }
        Fiber.yield()
        throw sightings.failure(5)
      }
    }
  }

  @Test func errorsOfChildrenThatAreCancelledInsideOrOutsideAreSeenOnce() throws {
    try eachErrorIsSeenOnce { sightings in
      try withNursery { outer in
        try withCancelScope { scope in
          outer.goAsync { scope.cancel() }
          _ = try withNursery { nursery in
            nursery.goAsync { nursery.cancel() }
            nursery.goAsync { try sightings.failWhenCancelled(1) }
            return try Op<Int>.never.perform()
          }
        }
      }
    }
  }

  @Test func errorsOfRaceLosersAreSeenOnce() throws {
    try eachErrorIsSeenOnce { sightings in
      try race({}, { try sightings.failWhenCancelled(1) }, { throw sightings.failure(2) })
    }
  }

  @Test func errorsOfTransformsAreSeenOnce() throws {
    try eachErrorIsSeenOnce { sightings in
      try (1...3).concurrentMap(limit: 2) { number in
        if number == 1 { throw CancellationError() }
        throw sightings.failure(number)
      }
    }
  }

  @Test func errorsOfCallsOnAFiberAreSeenOnce() throws {
    try eachErrorIsSeenOnce { sightings in
      try withNursery { nursery in
        let caller = nursery.goAsync {
          sightings.seeing { try goAndWait { throw sightings.failure(1) } }
          sightings.seeing { try goAndWait { try sightings.failWhenCancelled(2) } }
        }
        nursery.goAsync { caller.cancel() }
      }
    }
  }

  @Test func errorsOfAChildThatIsStartedAreSeenOnce() throws {
    try eachErrorIsSeenOnce { sightings in
      try withNursery { nursery in
        try withCancelScope { scope in
          nursery.goAsync { scope.cancel() }
          try nursery.start { (_: Started<Void>) in throw sightings.failure(1) }
        }
      }
    }
    try eachErrorIsSeenOnce { sightings in
      try withNursery { nursery in
        try withCancelScope { scope in
          nursery.goAsync { scope.cancel() }
          try nursery.start { started in
            started()
            throw sightings.failure(1)
          }
        }
      }
    }
  }

  @Test func errorsOfGuardsWrapsAndServersOfNacksAreSeenOnce() throws {
    try eachErrorIsSeenOnce { sightings in
      try withNursery { nursery in
        let channel = Channel<Int>(.bounded(1))
        let wrapped = channel.receiveOp().wrap { _ in throw sightings.failure(1) }
        let served = Op<Void>.withNack { nack in
          nursery.goAsync {
            try nack.wait()
            throw sightings.failure(2)
          }
          return .never
        }
        let failing = Op<Void>.guarded { throw sightings.failure(3) }
        nursery.goAsync { try channel.send(1) }
        sightings.seeing { try choose(served, wrapped) }
        sightings.seeing { try choose(served, failing, failing) }
        _ = try? served.or(wrapped).poll()
      }
    }
  }

  @Test func errorsOfDroppedCoroutinesAndOfGeneratorsAreSeenOnce() throws {
    try eachErrorIsSeenOnce { sightings in
      _ = try sightings.suspended(1)
      let numbers = Generator<Int> { yielder in
        do { try yielder.yield(1) } catch { throw sightings.failure(2) }
        throw sightings.failure(3)
      }
      for _ in numbers { break }
      for _ in numbers {}
      var iterator = numbers.makeIterator()
      while iterator.next() != nil {}
      if let failure = iterator.failure { sightings.see(failure) }
      let copy = iterator
      if let failure = copy.failure { try hold(failure is Oops, "\(failure)") }
    }
  }

  @Test func errorsOfWhatADeinitRunsAreSeenOnce() throws {
    final class Element: Sendable {
      let coroutine: Box<Coroutine<Void, Int, Void>>

      init(_ coroutine: Coroutine<Void, Int, Void>) { self.coroutine = Box(coroutine) }
    }
    try eachErrorIsSeenOnce { sightings in
      try withNursery { nursery in
        // A result that no fiber waits for, an element that no fiber receives, and a value captured by a closure that
        // never runs.
        nursery.goAsync { Element(try sightings.suspended(1)) }
        let channel = Channel<Element>(.bounded(1))
        try channel.send(Element(try sightings.suspended(2)))
        nursery.cancel()
        let element = Element(try sightings.suspended(3))
        nursery.goAsync { _ = element }
      }
    }
  }

  @Test func errorsOfFibersThatADeadlockHasEndedAreSeenOnce() throws {
    let sightings = Sightings()
    var configuration = Configuration.deterministic(seed: 1)
    configuration.onSuppressedError = { sightings.see($0) }
    expectThrows(DeadlockError.self) {
      try runFibers(configuration) {
        goAsync { try sightings.failWhenCancelled(1) }
        goAsync { try sightings.failWhenCancelled(2) }
        try sightings.failWhenCancelled(3)
      }
    }
    try sightings.check()
  }
}
