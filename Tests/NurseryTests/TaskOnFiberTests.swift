#if os(Linux)
  import Testing

  @testable import Nursery

  private enum Trace {
    @TaskLocal static var id = 0
  }

  private let lineThatWaits = #line + 1
  private func callThatWaits() throws { try sleep(for: .milliseconds(1)) }

  /// A task's job that runs on a fiber's stack, begun by `Task.immediate`.
  struct TaskOnFiberTests {
    @Test func aTaskMayRunOnAFibersStackIfItDoesNotWaitThere() throws {
      try runFibers(.virtual()) {
        let ids = Guarded<[Int]>([])
        Trace.$id.withValue(7) {
          _ = Task.immediate {
            ids.withLock { $0.append(Trace.id) }
            Trace.$id.withValue(8) { ids.withLock { $0.append(Trace.id) } }
          }
          Fiber.yield()
          ids.withLock { $0.append(Trace.id) }
        }
        expectEqual(ids.withLock { $0 }, [7, 8, 7])
      }
    }

    @Test(arguments: [false, true]) func aCoroutineThatSuchATaskResumesRunsOutsideOfIt(inFiber: Bool) throws {
      func check() throws {
        let numbers = Generator<Int> { yielder in
          try Trace.$id.withValue(100) {
            try yielder.yield(Trace.id)
            try yielder.yield(Trace.id)
          }
          try yielder.yield(Trace.id)
        }
        let iterator = Cell(numbers.makeIterator())
        let seen = Guarded<[Int?]>([])
        let take = { @Sendable in
          let number = iterator.value.next()
          seen.withLock { $0 += [number, Trace.id] }
        }
        Trace.$id.withValue(1) { take() }
        _ = Task.immediate { Trace.$id.withValue(2) { take() } }
        take()
        _ = Task.immediate { take() }
        expectEqual(seen.withLock { $0 }, [100, 1, 100, 2, 1, 0, nil, 0])
      }
      if inFiber { try runFibers(.virtual()) { try check() } } else { try check() }
    }

    @Test func aFiberThatWaitsInsideATaskOnItsStackTraps() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        try synchronously {
          try runFibers {
            _ = Task.immediate { try callThatWaits() }
          }
        }
      }
      #expect(standardError(result).contains("write 'await' in the task, or begin it with Task { }"))
      #if DEBUG
        let place = "runs on its stack at NurseryTests/TaskOnFiberTests.swift:\(lineThatWaits),"
        #expect(standardError(result).contains(place) == SourceLines.isAvailable)
      #endif
    }

    @Test func aFiberThatYieldsInsideATaskOnItsStackTraps() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        try synchronously {
          try runFibers {
            try withNursery { nursery in
              nursery.goAsync { for _ in 0..<10 { Fiber.yield() } }
              Fiber.yield()
              _ = Task.immediate { synchronously { Fiber.yield() } }
            }
          }
        }
      }
      #expect(standardError(result).contains("a fiber waits, or a coroutine yields, inside a task"))
    }

    @Test func aCoroutineThatYieldsInsideATaskOnItsStackTraps() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        synchronously {
          let numbers = Generator<Int> { yielder in
            let yielder = Cell(yielder)
            _ = Task.immediate { try synchronously { try yielder.value.yield(1) } }
          }
          var iterator = numbers.makeIterator()
          _ = iterator.next()
        }
      }
      #expect(standardError(result).contains("a fiber waits, or a coroutine yields, inside a task"))
    }
  }
#endif
