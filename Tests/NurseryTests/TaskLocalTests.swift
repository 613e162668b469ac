import Testing

@testable import Nursery

private enum Trace {
  @TaskLocal static var id = 0
  @TaskLocal static var name = "none"
  @TaskLocal static var token: Token?

  static var both: String { "\(id) \(name)" }
}

/// Counts those that live.
private final class Token: Sendable {
  private let living: Counter
  private let atEnd: @Sendable () -> Void

  init(_ living: Counter, atEnd: @escaping @Sendable () -> Void = {}) {
    self.living = living
    self.atEnd = atEnd
    living.add()
  }

  deinit {
    atEnd()
    living.add(-1)
  }
}

/// Swift's task-locals in fibers.
struct TaskLocalTests {
  @Test(arguments: [
    Configuration.virtual(), .virtual(2), .virtual(seed: 7), Configuration(parallelism: 2, migration: .whenWaiting),
  ])
  func eachFiberHasItsOwnValuesAcrossItsWaits(configuration: Configuration) throws {
    let wrong = Counter()
    try runFibers(configuration) {
      try withNursery { nursery in
        for number in 1...200 {
          nursery.goAsync(placement: number % 2 == 0 ? .spread : .here) {
            func check(_ expected: String) { if Trace.both != expected { wrong.add() } }
            try Trace.$id.withValue(number) {
              for round in 0..<4 {
                Fiber.yield()
                check("\(number) none")
                try Trace.$name.withValue("\(number), \(round)") {
                  try sleep(for: .nanoseconds(number % 7))
                  check("\(number) \(number), \(round)")
                  Trace.$id.withValue(-number) {
                    Fiber.yield()
                    check("\(-number) \(number), \(round)")
                  }
                }
                check("\(number) none")
              }
            }
            Fiber.yield()
            check("0 none")
          }
        }
      }
      #expect(Trace.both == "0 none")
    }
    #expect(wrong.value == 0)
  }

  @Test(arguments: parallelisms) func aChildBeginsWithTheValuesWhereItIsSpawned(workers: Int) throws {
    try virtually(workers) {
      try withNursery { nursery in
        let child = Trace.$id.withValue(3) {
          Trace.$name.withValue("outer") {
            Trace.$id.withValue(4) {
              nursery.goAsync { () -> [String] in
                let inherited = Trace.both
                try sleep(for: .seconds(1))
                let bound = try Trace.$id.withValue(5) { [Trace.both, try goAndWait { Trace.both }] }
                return [inherited] + bound + [Trace.both, try goAndWait { Trace.both }]
              }
            }
          }
        }
        #expect(Trace.both == "0 none")
        try expectEqual(child.wait(), ["4 outer", "5 outer", "5 outer", "4 outer", "4 outer"])
        #expect(Trace.both == "0 none")
      }
    }
  }

  @Test(arguments: parallelisms) func whateverStartsFibersPassesTheValuesOn(workers: Int) throws {
    let seen = Log<Int>()
    try virtually(workers) {
      try withNursery(limit: 1) { nursery in
        try Trace.$id.withValue(8) {
          let started: Int = try nursery.start { started in started(Trace.id) }
          seen.append(started)
          seen.append(contentsOf: try [1, 2, 3].concurrentMap(limit: 2) { _ in Trace.id })
          seen.append(
            try race([
              { Trace.id },
              {
                try sleep(for: .seconds(9)); return Trace.id
              },
            ]))
          seen.append(contentsOf: try [1, 2].pipeline().concurrentMap(limit: 2) { _ in Trace.id }.collect())
          nursery.goAsync(daemon: true) { seen.append(Trace.id) }
          // One begins at once, the others wait for their turn.
          for _ in 0..<3 {
            nursery.goAsync {
              Fiber.yield(); seen.append(Trace.id)
            }
          }
          nursery.onExit { seen.append(Trace.id + 8) }
        }
      }
    }
    #expect(seen.entries.count == 12)
    // A hook runs on the fiber of the body, after the binding.
    #expect(seen.entries.allSatisfy { $0 == 8 })
  }

  @Test(arguments: parallelisms) func valuesAreSharedAndLiveAsLongAsFibersHaveThem(workers: Int) throws {
    let living = Counter()
    try virtually(workers) {
      try withNursery { nursery in
        let end = Condition()
        Trace.$token.withValue(Token(living)) {
          let bound = Trace.token
          for _ in 0..<50 {
            nursery.goAsync {
              let inherited = Trace.token
              try hold(inherited === bound, "a copy of the object")
              try end.wait()
              try goAndWait { try hold(Trace.token === inherited, "not the same in a child") }
            }
          }
          waitUntilAllParked()
        }
        #expect(living.value == 1)
        #expect(Trace.token == nil)
        end.signal()
      }
      #expect(living.value == 0)
    }
  }

  @Test(arguments: parallelisms) func aFiberThatEndsInsideABodyLeavesNoValueBehind(workers: Int) throws {
    let living = Counter()
    try virtually(workers) {
      for cancels in [false, true] {
        expectThrows(Oops(1)) {
          try withNursery { nursery in
            for number in 1...20 {
              nursery.goAsync {
                try Trace.$token.withValue(Token(living)) {
                  try sleep(for: .seconds(number + (cancels ? 100 : 0)))
                  throw Oops(1)
                }
              }
            }
            if cancels {
              try sleep(for: .seconds(1))
              throw Oops(1)
            }
          }
        }
        #expect(living.value == 0)
        let next = try goAndWait { [Trace.both, "\(Trace.token == nil)"] }
        #expect(next == ["0 none", "true"])
      }
      // Children that never run.
      try Trace.$token.withValue(Token(living)) {
        try withNursery(limit: 1) { nursery in
          nursery.goAsync { try sleep(for: .seconds(1)) }
          for _ in 0..<5 { nursery.goAsync { Issue.record("a cancelled child ran") } }
          nursery.cancel()
          nursery.goAsync { Issue.record("a child of a cancelled nursery ran") }
        }
      }
      #expect(living.value == 0)
    }
  }

  @Test(arguments: parallelisms) func theEndOfAnInheritedValueMayWait(workers: Int) throws {
    let living = Counter()
    let seen = Log<String>()
    try virtually(workers) {
      try withNursery { nursery in
        Trace.$token.withValue(
          Token(living) {
            seen.append(Trace.both)
            try? sleep(for: .seconds(1))
            Trace.$id.withValue(1) {
              Fiber.yield()
              seen.append(Trace.both)
            }
          }
        ) {
          for _ in 0..<3 { nursery.goAsync { try sleep(for: .seconds(1)) } }
        }
        for number in 5..<8 {
          try Trace.$id.withValue(number) {
            try sleep(for: .seconds(1))
            #expect(Trace.id == number)
          }
        }
      }
      #expect(living.value == 0)
    }
    #expect(seen.entries == ["0 none", "1 none"])
  }

  // MARK: Coroutines

  /// Binds 100 around two of its three elements.
  private static func ids() -> Generator<Int> {
    Generator { yielder in
      try yielder.yield(Trace.id)
      try Trace.$id.withValue(100) {
        try yielder.yield(Trace.id)
        try yielder.yield(Trace.id)
      }
      try yielder.yield(Trace.id)
    }
  }

  private static func resumeInBodies() throws {
    var (one, other) = (ids().makeIterator(), ids().makeIterator())
    try Trace.$id.withValue(1) { try hold(one.next() == 1 && other.next() == 1, "what was bound at the first resume") }
    try Trace.$id.withValue(2) {
      try hold(one.next() == 100 && Trace.id == 2, "the coroutine's binding is in force outside")
      try Trace.$id.withValue(3) {
        try hold(one.next() == 100 && Trace.id == 3, "lost")
        try hold(other.next() == 100 && Trace.id == 3, "lost by the other")
      }
      try hold(one.next() == 1 && Trace.id == 2, "not what was captured")
    }
    try hold(one.next() == nil && one.failure == nil && Trace.id == 0, "the end")
    // The other one is dropped inside its binding.
    other = ids().makeIterator()
    try hold(other.next() == 0 && Trace.id == 0, "left behind")
  }

  @Test(arguments: parallelisms) func aCoroutineTakesItsValuesAlong(workers: Int) throws {
    try virtually(workers) {
      try withNursery { nursery in
        for _ in 0..<10 {
          nursery.goAsync { for _ in 0..<3 { try Self.resumeInBodies() } }
        }
      }
    }
    try PlainThread { try Self.resumeInBodies() }.join()
  }

  @Test func aCoroutineInATaskTakesItsValuesAlong() async throws {
    for _ in 0..<3 {
      try Self.resumeInBodies()
      await Task.yield()
    }
    await Trace.$name.withValue("task") {
      let names = Generator<String> { yielder in
        try Trace.$id.withValue(1) { try yielder.yield(Trace.both) }
        try yielder.yield("\(Trace.both) \(withUnsafeCurrentTask { $0 == nil })")
      }
      var iterator = names.makeIterator()
      #expect(iterator.next() == "1 task")
      await Task.yield()
      #expect(Trace.both == "0 task")
      #expect(withUnsafeCurrentTask { $0 != nil })
      #expect(iterator.next() == "0 task true")
    }
  }

  @Test func aDroppedCoroutineUnwindsWithItsOwnValues() throws {
    let seen = Log<Int>()
    func drop() {
      var iterator = Generator<Int> { yielder in
        defer { seen.append(Trace.id) }
        try Trace.$id.withValue(100) {
          defer { seen.append(Trace.id) }
          try yielder.yield(Trace.id)
        }
      }.makeIterator()
      #expect(iterator.next() == 100)
    }
    try virtually { Trace.$id.withValue(5) { drop() } }
    Trace.$id.withValue(6) { drop() }
    #expect(seen.entries == [100, 5, 100, 6])
  }

  @Test(arguments: parallelisms) func aCoroutineMovesBetweenFibersWithItsValues(workers: Int) throws {
    try virtually(workers) {
      let generator = Cell(Self.ids().makeIterator())
      let elements = try (0..<4).map { number in
        try Trace.$id.withValue(number) { try goAndWait { generator.value.next() } }
      }
      #expect(elements == [0, 100, 100, 0])
      #expect(generator.value.next() == nil)
    }
  }
}

extension Log {
  fileprivate func append(contentsOf elements: [Element]) { for element in elements { append(element) } }
}
