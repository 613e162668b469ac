import Testing

@testable import Nursery

private enum Trace {
  @TaskLocal static var id = 0
  @TaskLocal static var name = "none"

  static var both: String { "\(id) \(name)" }
}

/// Values of task-locals on their way between tasks, fibers and plain threads.
struct TaskLocalBridgeTests {
  @Test func anAwaitedNurserysFibersHaveTheTasksValues() async throws {
    let seen = try await Trace.$name.withValue("task") {
      try await Trace.$id.withValue(7) {
        try await withNursery("pool", Configuration(parallelism: 2)) { nursery in
          let children = nursery.workers(4) {
            [
              Trace.both,
              Trace.$id.withValue(8) {
                Fiber.yield(); return Trace.both
              },
            ]
          }
          let all = try waitAll(children).flatMap { $0 }
          return all + [Trace.both]
        }
      }
    }
    #expect(seen == Array(repeating: ["7 task", "8 task"], count: 4).flatMap { $0 } + ["7 task"])
    #expect(Trace.both == "0 none")
  }

  @Test func anAwaitedNurserysFibersHaveTheValuesOfAChildTask() async throws {
    let seen = try await Trace.$id.withValue(7) {
      try await withThrowingTaskGroup(of: String.self) { group in
        group.addTask { try await withNursery { _ in try goAndWait { Trace.both } } }
        group.addTask { try await Trace.$name.withValue("child") { try await withNursery { _ in Trace.both } } }
        return try await group.reduce(into: []) { $0.append($1) }.sorted()
      }
    }
    #expect(seen == ["7 child", "7 none"])
  }

  @Test(arguments: parallelisms) func anAsyncFunctionHasTheFibersValues(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        for number in 1...10 {
          nursery.goAsync {
            try Trace.$id.withValue(number) {
              let seen = try runAsync(executor: ThreadExecutor.shared) {
                let inherited = Trace.both
                await Task.yield()
                return await Trace.$name.withValue("async") {
                  await Task.yield()
                  return [inherited, Trace.both]
                }
              }
              expectEqual(seen, ["\(number) none", "\(number) async"])
              #expect(Trace.both == "\(number) none")
              let task = Task(executorPreference: ThreadExecutor.shared) { Trace.id }
              expectEqual(try runAsync(executor: ThreadExecutor.shared) { await task.value }, number)
            }
          }
        }
      }
    }
  }

  @Test(arguments: parallelisms) func aBlockingCallHasTheFibersValues(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        for number in 1...10 {
          nursery.goAsync {
            let op = blockingOp { Trace.both }
            try Trace.$id.withValue(number) {
              let seen = try blocking {
                // A run of its own on the pool's thread.
                let nested = try runFibers {
                  try goAndWaitInNursery {
                    Fiber.yield(); return Trace.id
                  }
                }
                return Trace.$name.withValue("thread") { "\(Trace.both) \(nested)" }
              }
              expectEqual(seen, "\(number) thread \(number)")
              // An operation has the values of its performer.
              try expectEqual(op.perform(), "\(number) none")
              #expect(Trace.both == "\(number) none")
            }
            try expectEqual(blocking { Trace.both }, "0 none")
          }
        }
      }
    }
  }

  @Test func anAwaitedBlockingCallHasTheTasksValues() async throws {
    try await Trace.$id.withValue(4) {
      let seen = try await blocking { Trace.$name.withValue("thread") { Trace.both } }
      #expect(seen == "4 thread")
      #expect(Trace.both == "4 none")
    }
    let seen = try await blocking { Trace.both }
    #expect(seen == "0 none")
  }

  @Test func aRunInsideATaskHasItsValuesButNoTask() async throws {
    try await Trace.$id.withValue(7) {
      try synchronously {
        try runFibers(Configuration(parallelism: 2)) {
          func check(_ expected: String) { expectEqual(Trace.both, expected) }
          #expect(withUnsafeCurrentTask { $0 == nil })
          try withNursery { nursery in
            for number in 0..<20 {
              nursery.goAsync(placement: .spread) {
                #expect(withUnsafeCurrentTask { $0 == nil })
                #expect(Test.current != nil)
                check("7 none")
                try Trace.$name.withValue("fiber \(number)") {
                  try sleep(for: .microseconds(10 * (number % 3)))
                  check("7 fiber \(number)")
                }
                Trace.$id.withValue(number) {
                  Fiber.yield(); check("\(number) none")
                }
              }
            }
            Trace.$name.withValue("body") {
              for _ in 0..<10 { Fiber.yield() }
              check("7 body")
            }
          }
          check("7 none")
        }
      }
      #expect(withUnsafeCurrentTask { $0 != nil })
      await Task.yield()
      #expect(Trace.both == "7 none")
      expectThrows(Oops(1)) { try synchronously { try runFibers { throw Oops(1) } } }
      #expect(withUnsafeCurrentTask { $0 != nil })
    }
  }

  @Test func aChildThatATaskSpawnsHasTheTasksValues() async throws {
    let seen = Log<String>()
    try await withNursery { nursery in
      try runAsync(executor: ThreadExecutor.shared) {
        Trace.$id.withValue(9) {
          Trace.$name.withValue("task") {
            _ = nursery.goAsync {
              Fiber.yield()
              seen.append(Trace.both)
            }
          }
        }
      }
      nursery.goAsync { seen.append(Trace.both) }
    }
    #expect(seen.entries.sorted() == ["0 none", "9 task"])
  }

  @Test(arguments: parallelisms) func aPlainThreadsValuesPassToItsRun(workers: Int) throws {
    try PlainThread {
      try Trace.$id.withValue(3) {
        try virtually(workers) {
          expectEqual(Trace.both, "3 none")
          let seen = try goAndWaitInNursery { () -> String in
            Trace.$name.withValue("fiber") {
              Fiber.yield(); return Trace.both
            }
          }
          expectEqual(seen, "3 fiber")
          // A run inside a run, on a fiber.
          try goAndWaitInNursery {
            try Trace.$id.withValue(4) {
              try virtually { try goAndWaitInNursery { expectEqual(Trace.both, "4 none") } }
              expectEqual(Trace.both, "4 none")
            }
            expectEqual(Trace.both, "3 none")
          }
        }
        expectEqual(Trace.both, "3 none")
      }
      expectEqual(Trace.both, "0 none")
    }.join()
  }

  @Test func theFibersAndTheLoopOfAGuestRunKeepTheirValuesApart() throws {
    let loop = EventLoop()
    let isCalled = Condition()
    let seen = Log<String>()
    try Trace.$name.withValue("maker") {
      try loop.host { nursery in
        for number in 1...3 {
          nursery.goAsync {
            try Trace.$id.withValue(number) {
              try isCalled.wait()
              expectEqual(Trace.both, "\(number) maker")
            }
          }
        }
        try Trace.$id.withValue(9) {
          Fiber.yield()
          try loop.post {
            seen.append(Trace.both)
            isCalled.signal()
          }
          try isCalled.wait()
          expectEqual(Trace.both, "9 maker")
          #expect(withUnsafeCurrentTask { $0 == nil })
        }
      }
      #expect(Trace.both == "0 maker")
      #expect(withUnsafeCurrentTask { $0 != nil })
    }
    #expect(seen.entries == ["0 maker"])
  }

  @Test func whoeverPerformsKeepsItsValues() async throws {
    let channel = Channel<String>()
    let thread = PlainThread {
      try Trace.$name.withValue("thread") {
        for _ in 0..<20 { try channel.send(Trace.both) }
      }
      return Trace.both
    }
    let task = Task {
      try await Trace.$name.withValue("task") {
        for _ in 0..<20 { try await channel.send(Trace.both) }
      }
      return Trace.both
    }
    let counts = try await Trace.$id.withValue(1) {
      try await withNursery { nursery in
        nursery.goAsync { try Trace.$name.withValue("fiber") { for _ in 0..<20 { try channel.send(Trace.both) } } }
        var counts: [String: Int] = [:]
        for _ in 0..<60 {
          counts[try channel.receive().description, default: 0] += 1
          expectEqual(Trace.both, "1 none")
        }
        return counts
      }
    }
    #expect(counts == ["0 thread": 20, "0 task": 20, "1 fiber": 20])
    #expect(try await task.value == "0 none")
    #expect(try thread.join() == "0 none")
  }
}

private func goAndWaitInNursery<Value: Sendable>(_ body: sending @escaping () throws -> Value) throws -> Value {
  let body = Box(body)
  return try withNursery { nursery in try nursery.goAsync { try body.value() }.wait() }
}
