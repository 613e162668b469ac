import Nursery
import Testing

/// Yields 0, 1, 2 from inside `around`.
private func numbers(inside around: @escaping (() throws -> Void) throws -> Void) -> Generator<Int> {
  Generator { yielder in try around { for number in 0..<3 { try yielder.yield(number) } } }
}

/// The rules of scopes and fiber-locals in coroutines, each under every schedule of a small script.
struct CoroutineRules {
  private static let number = FiberLocal(0)

  @Test func aSuspendedCoroutineTakesItsScopesAlong() throws {
    try underEverySchedule {
      let inside: [(() throws -> Void) throws -> Void] = [
        { body in try withTimeout(.seconds(1000), body) },
        { body in try withCancelScope { _ in try body() } },
        { body in try withShield(body) },
        { body in try withNursery { _ in try body() } },
      ]
      for around in inside {
        var iterator = numbers(inside: around).makeIterator()
        let cancelled: Void? = try withCancelScope { scope in
          try hold(iterator.next() == 0, "no element")
          // Outside the generator's shield, nursery and deadline.
          scope.cancel()
          try holdThrows(CancellationError.self) { try sleep(for: .zero) }
          try sleep(for: .zero)
        }
        try hold(cancelled == nil, "the consumer's cancellation was not its own")
        try hold(iterator.next() == 1, "the scope is not gone on in")
        try sleep(for: .milliseconds(1))
        try hold(
          iterator.next() == 2 && iterator.next() == nil && iterator.failure == nil, "\(iterator.failure as Any)")
      }
    }
  }

  @Test func aResumedCoroutineIsCancelledWithItsResumersScopes() throws {
    try underEverySchedule {
      var iterator = Generator<Bool> { yielder in
        try withTimeout(.seconds(1000)) {
          try yielder.yield(Fiber.isCancelled)
          try yielder.yield(Fiber.isCancelled)
          try sleep(for: .zero)
        }
      }.makeIterator()
      try hold(iterator.next() == false, "cancelled too early")
      try withNursery { nursery in
        nursery.cancel()
        try hold(iterator.next() == true, "deaf to its resumer's nursery")
      }
      // It was cancelled inside, and stays cancelled.
      try hold(iterator.next() == nil && iterator.failure is CancellationError, "\(iterator.failure as Any)")
    }
  }

  @Test func theDeadlineOfASuspendedCoroutineRunsOnAndTakesEffectWhenItIsResumed() throws {
    try underEverySchedule {
      var iterator = Generator<Int> { yielder in
        try withTimeout(.seconds(1)) {
          try yielder.yield(1)
          try sleep(for: .zero)
        }
      }.makeIterator()
      try hold(iterator.next() == 1, "no element")
      try sleep(for: .seconds(2))
      try hold(iterator.next() == nil && iterator.failure is TimeoutError, "\(iterator.failure as Any)")
    }
  }

  @Test func goAsyncInALoopOverAGeneratorSpawnsIntoTheLoopsNursery() throws {
    try underEverySchedule {
      let order = Log<Int>()
      try withNursery { nursery in
        for number in numbers(inside: { body in try withNursery { _ in try body() } }) {
          goAsync { order.append(number) }
          try hold(nursery.childCount == number + 1 - order.entries.count, "adopted by the generator's nursery")
        }
      }
      try hold(Set(order.entries) == [0, 1, 2], "\(order.entries)")
    }
  }

  @Test func theChildrenOfASuspendedNurseryRunOnAndAreWaitedForWhenItsBodyEnds() throws {
    try underEverySchedule {
      let done = Counter()
      var iterator = Generator<Int> { yielder in
        try withNursery { nursery in
          nursery.goAsync {
            try sleep(for: .seconds(1)); done.add()
          }
          try yielder.yield(0)
        }
        try yielder.yield(done.value)
      }.makeIterator()
      try hold(iterator.next() == 0, "no element")
      try withTimeoutOrNil(.seconds(3)) { try sleep(for: .seconds(2)) }
      try hold(done.value == 1, "the child stood still")
      try hold(iterator.next() == 1, "the child was not waited for")
    }
  }

  @Test func twoGeneratorsInTurnKeepTheirScopesApart() throws {
    try underEverySchedule {
      let reasons = { (name: String) -> Generator<String?> in
        Generator { yielder in
          try withCancelScope { scope in
            try yielder.yield(name)
            if name == "left" { scope.cancel("left") }
            try yielder.yield(Fiber.cancellationReason?.description)
            try withTimeout(.seconds(9)) { try yielder.yield(Fiber.cancellationReason?.description) }
          }
        }
      }
      var pairs: [[String?]] = []
      for (left, right) in zip(reasons("left"), reasons("right")) { pairs.append([left, right]) }
      try hold(pairs == [["left", "right"], ["left", nil], ["left", nil]], "\(pairs)")
      try sleep(for: .zero)
    }
  }

  @Test func aCoroutineMayGoOnOnAnotherFiber() throws {
    try underEverySchedule {
      for around in 0..<3 {
        let iterator = Cell(
          numbers { body in
            switch around {
            case 0: try withTimeout(.seconds(1000), body)
            case 1: try withNursery { _ in try body() }
            default: try Self.number.withValue(7, body)
            }
          }.makeIterator())
        try hold(iterator.value.next() == 0, "no element")
        try withNursery { nursery in
          nursery.goAsync("other") {
            try hold(iterator.value.next() == 1, "no second element")
            try sleep(for: .zero)
            try hold(Self.number.value == 0, "a foreign binding")
          }
        }
        try hold(iterator.value.next() == 2 && iterator.value.next() == nil, "\(iterator.value.failure as Any)")
      }
    }
  }

  @Test func aDroppedCoroutineUnwindsShieldedFromTheScopesThatEncloseItsOwner() throws {
    for step in 0..<3 {
      try underEverySchedule {
        let cleaned = Counter()
        let ready = Condition()
        try withNursery { nursery in
          nursery.goAsync("owner") {
            var iterator = Generator<Int> { yielder in
              try withTimeout(.seconds(1000)) {
                defer { if (try? withShield { try sleep(for: .seconds(1)) }) != nil { cleaned.add() } }
                do {
                  try withNursery { inner in
                    inner.goAsync { try Op<Void>.never.perform() }
                    for number in 0..<3 { try yielder.yield(number) }
                  }
                } catch is CancellationError {
                  // Shielded from the owner's cancellation, so this waits.
                  try sleep(for: .seconds(1))
                  cleaned.add()
                  throw CancellationError()
                }
              }
            }.makeIterator()
            for _ in 0...step { _ = iterator.next() }
            ready.signal()
            try Op<Void>.never.perform()
          }
          nursery.goAsync("canceller") {
            try ready.wait()
            nursery.cancel()
          }
        }
        try hold(cleaned.value == 2, "\(cleaned.value)")
      }
    }
  }

  @Test func fiberLocalsBelongToTheCoroutineThatBindsThem() throws {
    try underEverySchedule {
      try Self.number.withValue(1) {
        var iterator = Generator<Int> { yielder in
          try yielder.yield(Self.number.value)
          try Self.number.withValue(2) {
            try yielder.yield(Self.number.value)
            goAsync { try hold(Self.number.value == 2, "a child inherits the coroutine's") }
            try yielder.yield(Self.number.value)
          }
          try yielder.yield(Self.number.value)
        }.makeIterator()
        try withNursery { _ in
          try hold(iterator.next() == 1, "what was bound at the first resume")
          try Self.number.withValue(3) {
            try hold(iterator.next() == 2 && Self.number.value == 3, "the coroutine's binding is in force outside")
            try hold(iterator.next() == 2, "lost")
          }
          try hold(Self.number.value == 1, "the resumer's binding is lost")
          try hold(iterator.next() == 1 && iterator.next() == nil, "not what was captured")
        }
      }
    }
  }
}
