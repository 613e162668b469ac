import Nursery
import Testing

private let number = FiberLocal(0)
private let word = FiberLocal("none")
private let transaction = FiberLocal<Int?>(nil, inheritance: .reset)
private let span = FiberLocal("", inheritance: .derived { $0 + ">" })

/// Values that belong to a fiber.
struct FiberLocalTests {
  @Test func theInnermostBindingCountsAndEndsWithItsBody() throws {
    try virtually {
      #expect(number.value == 0)
      let sum = number.withValue(1) {
        word.withValue("one") {
          let outer = number.value
          let inner = number.withValue(20) { number.value }
          #expect(word.value == "one")
          return outer + inner + number.value
        }
      }
      #expect(sum == 22)
      #expect(number.value == 0)
      #expect(word.value == "none")
      expectThrows(Oops(1)) { try number.withValue(5) { throw Oops(number.value - 4) } }
      #expect(number.value == 0)
    }
  }

  @Test(arguments: parallelisms) func aChildInheritsWhatIsBoundWhereItIsSpawned(workers: Int) throws {
    try virtually(workers) {
      try withNursery { nursery in
        let child = number.withValue(3) {
          nursery.goAsync { () -> [Int] in
            let inherited = number.value
            try sleep(for: .seconds(1))
            let bound = number.withValue(4) { number.value }
            let grandchild = try goAndWait { number.value }
            return [inherited, bound, number.value, grandchild]
          }
        }
        #expect(number.value == 0)
        try expectEqual(child.wait(), [3, 4, 3, 3])
      }
    }
  }

  @Test func eachLocalDeterminesWhatAChildInherits() throws {
    try virtually {
      let seen = try transaction.withValue(7) {
        try span.withValue("root") {
          try number.withValue(1) {
            try goAndWait {
              let here = "\(transaction.value as Any) \(span.value) \(number.value)"
              let below = try goAndWait { "\(transaction.value as Any) \(span.value) \(number.value)" }
              let rebound = try transaction.withValue(8) { try goAndWait { transaction.value } }
              return [here, below, "\(rebound as Any)"]
            }
          }
        }
      }
      #expect(seen == ["nil root> 1", "nil root>> 1", "nil"])
    }
  }

  @Test func aChildsDerivedValueIsMadeOnceFromTheInnermostBinding() throws {
    let made = Counter()
    let counted = FiberLocal(
      0,
      inheritance: .derived {
        made.add(); return $0 + 1
      })
    let lost = FiberLocal(0, inheritance: .reset)
    try virtually {
      let seen = try counted.withValue(10) {
        try lost.withValue(1) {
          try counted.withValue(20) {
            try lost.withValue(2) { try goAndWait { [counted.value, lost.value] } }
          }
        }
      }
      #expect(seen == [21, 0])
    }
    #expect(made.value == 1)
  }

  @Test(arguments: parallelisms) func aDerivedValueMayTakeItsTimeToMake(workers: Int) throws {
    let slow = FiberLocal(
      0,
      inheritance: .derived { value in
        try? sleep(for: .microseconds(5))
        return value + 1
      })
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        for _ in 0..<20 {
          nursery.goAsync {
            try slow.withValue(1) {
              for _ in 0..<20 {
                guard try goAndWait({ slow.value }) == 2 else { throw Oops() }
              }
            }
          }
        }
      }
    }
  }

  @Test func fibersThatTakeTurnsKeepTheirOwn() throws {
    try virtually {
      try withNursery { nursery in
        let fibers = (1...4).map { mine in
          nursery.goAsync {
            number.withValue(mine) {
              var isRight = true
              for _ in 0..<10 {
                Fiber.yield()
                isRight = isRight && number.value == mine
              }
              return isRight
            }
          }
        }
        try expectEqual(waitAll(fibers), [true, true, true, true])
      }
    }
  }

  @Test func theBodyOfAnOutermostNurserySeesWhatItsCallerHasBound() throws {
    let seen = try transaction.withValue(3) {
      try withNursery { _ in [transaction.value, try withNursery { _ in transaction.value }] }
    }
    #expect(seen == [3, 3])
  }

  @Test func aGeneratorThatYieldsInsideAndGoesOnElsewhereKeepsItsBinding() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let numbers = Generator<Int> { yielder in
        try number.withValue(1) { for _ in 0..<3 { try yielder.yield(number.value) } }
      }
      let iterator = Cell(numbers.makeIterator())
      #expect(iterator.value.next() == 1)
      let seen = try number.withValue(2) { try goAndWait { [iterator.value.next(), number.value] } }
      #expect(seen == [1, 2])
      #expect(number.value == number.defaultValue)
      #expect(iterator.value.next() == 1)
      #expect(iterator.value.next() == nil)
      #expect(number.value == number.defaultValue)
    }
  }

  @Test func aPlainThreadHasItsOwnAndTheFibersItStartsInheritThem() throws {
    let seen = try number.withValue(9) {
      try runFibers { try [number.value, goAndWait { number.value }] + [PlainThread { number.value }.join()] }
    }
    #expect(seen == [9, 9, 0])
    #expect(number.value == 0)
  }

  @Test func aValueGoesWithTheLastFiberThatHasIt() throws {
    let census = Census()
    let local = FiberLocal<Census.Member?>(nil)
    try virtually {
      try withNursery { nursery in
        let child = local.withValue(census.make()) { nursery.goAsync { try sleep(for: .seconds(1)) } }
        #expect(census.count == 1)
        try child.wait()
        #expect(census.count == 0)
      }
    }
  }
}
