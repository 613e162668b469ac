import Nursery
import Testing

/// The limits of a coroutine that is suspended inside a scope.
struct CoroutineScopeTests {
  private static func assertTraps(_ result: ExitTest.Result?, _ parts: [String], line: Int = #line) {
    let text = standardError(result)
    for part in parts where !text.contains(part) {
      Issue.record("line \(line): \(part) is not in: \(text)")
    }
  }

  @Test func aNurseryWithChildrenIsResumedOnItsFiberOnly() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try runFibers(Configuration(parallelism: 1)) {
          let iterator = Cell(
            Generator<Int> { yielder in
              try withNursery("inner") { inner in
                inner.goAsync { try Op<Void>.never.perform() }
                for number in 0... { try yielder.yield(number) }
              }
            }.makeIterator())
          _ = iterator.value.next()
          try goAndWait("thief") { _ = iterator.value.next() }
        }
      }
    }
    Self.assertTraps(
      result,
      ["nursery \"inner\" opened at NurseryTests/CoroutineScopeTests.swift:", "resumed by fiber \"thief\", spawned at"])
  }

  @Test func aFiberDoesNotEndBeforeTheChildrenOfANurseryThatItsCoroutineHasOpen() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try runFibers(Configuration(parallelism: 1)) {
          let kept = Cell<Generator<Int>.Iterator?>(nil)
          try goAndWait("opener") {
            var iterator = Generator<Int> { yielder in
              try withNursery("inner") { inner in
                inner.goAsync { try Op<Void>.never.perform() }
                try yielder.yield(1)
              }
            }.makeIterator()
            _ = iterator.next()
            kept.value = iterator
          }
        }
      }
    }
    Self.assertTraps(
      result, ["fiber \"opener\", spawned at", "nursery \"inner\" opened at", "whose children have not ended"])
  }

  @Test func aDeadlineDoesNotOutliveItsRun() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let kept = Cell<Generator<Int>.Iterator?>(nil)
        try runFibers(Configuration(parallelism: 1)) {
          var iterator = Generator<Int> { yielder in
            try withTimeout(.seconds(100)) { for number in 0... { try yielder.yield(number) } }
          }.makeIterator()
          _ = iterator.next()
          kept.value = iterator
        }
        try runFibers { try withNursery { $0.goAsync { _ = kept.value!.next() } } }
      }
    }
    Self.assertTraps(
      result,
      [
        "a scope with a deadline, opened at NurseryTests/CoroutineScopeTests.swift:", "spawned at NurseryTests/",
        "after the run in which it was suspended has ended",
      ])
  }

  @Test func aDeadlineOutlivesItsFiber() throws {
    try virtually {
      let kept = Cell<Generator<Int>.Iterator?>(nil)
      try goAndWait {
        var iterator = Generator<Int> { yielder in
          try withTimeout(.seconds(10)) {
            try yielder.yield(1)
            try sleep(for: .seconds(20))
          }
        }.makeIterator()
        _ = iterator.next()
        kept.value = iterator
      }
      try sleep(for: .seconds(4))
      let start = FiberClock.now
      #expect(kept.value!.next() == nil)
      #expect(kept.value!.failure is TimeoutError)
      #expect(FiberClock.now == start + .seconds(6))
    }
  }

  @Test func aCoroutineThatOutlivesTheRunIsDroppedWithoutHarm() throws {
    var kept: [Generator<Int>.Iterator] = []
    let ended = Counter()
    for clock in [Configuration.Clock.system, .virtual] {
      var configuration = Configuration(parallelism: 1)
      configuration.clock = clock
      try runFibers(configuration) {
        var iterator = Generator<Int> { yielder in
          defer { ended.add() }
          try withTimeout(.seconds(100)) { try withShield { try withNursery { _ in try yielder.yield(1) } } }
        }.makeIterator()
        _ = iterator.next()
        kept.append(iterator)
      }
    }
    kept.removeAll()
    #expect(ended.value == 2)
  }

  @Test func aScopeWithoutADeadlineOutlivesItsFiber() throws {
    let iterator = Cell<Generator<Int>.Iterator?>(nil)
    try runFibers {
      iterator.value = Generator<Int> { yielder in
        try withCancelScope { _ in try withShield { for number in 0..<2 { try yielder.yield(number) } } }
      }.makeIterator()
      #expect(iterator.value!.next() == 0)
    }
    #expect(iterator.value!.next() == 1)
    #expect(try virtually { iterator.value!.next() } == nil)
    #expect(iterator.value!.failure == nil)
  }

  @Test func onlyTheInnermostCoroutineYields() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let outer = Generator<Int> { outer in
        for _ in Generator<Int>({ _ in try outer.yield(1) }) {}
      }
      for _ in outer {}
    }
    Self.assertTraps(result, ["yield() of a coroutine from inside another coroutine"])
  }

  @Test func aRunInsideACoroutineIsLeftBeforeItYields() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      for _ in Generator<Int>({ yielder in try withNursery { _ in try yielder.yield(1) } }) {}
    }
    Self.assertTraps(result, ["inside no runFibers and no withNursery that started a scheduler"])
  }

  @Test(arguments: [2, 4]) func generatorsInScopesMoveBetweenFibersOfManyWorkers(workers: Int) throws {
    let total = Counter()
    try runFibers(Configuration(parallelism: workers)) {
      let ring = Channel<Cell<Generator<Int>.Iterator>>(.bounded(8))
      try withNursery { nursery in
        for _ in 0..<8 {
          let numbers = Generator<Int> { yielder in
            for number in 0..<200 {
              try withTimeout(.seconds(1000)) {
                try withCancelScope { _ in try yielder.yield(number) }
                Fiber.yield()
              }
            }
          }
          try ring.send(Cell(numbers.makeIterator()))
        }
        for _ in 0..<4 {
          nursery.goAsync {
            for iterator in ring {
              let isDone = try withTimeout(.seconds(500)) { iterator.value.next() == nil }
              if !isDone { try ring.send(iterator) } else if total.add() == 8 { ring.close() }
            }
          }
        }
      }
    }
    #expect(total.value == 8)
  }
}
