import Nursery
import Testing

/// Waiting for fibers, and what their handles know.
struct HandleTests {
  @Test(arguments: parallelisms) func waitAllReturnsTheValuesInOrder(workers: Int) throws {
    try virtually(workers) {
      let fibers = (0..<10).map { number in
        goAsync { () -> Int in
          try sleep(for: .seconds(10 - number))
          return number
        }
      }
      try #expect(waitAll(fibers) == Array(0..<10))
      try expectEqual(waitAll(goAsync { "a" }, goAsync { "b" }), ["a", "b"])
      try #expect(waitAll([Fiber<Int>]()) == [])
    }
  }

  @Test(arguments: parallelisms) func waitFirstReturnsTheQuickestAndLetsTheOthersRunOn(workers: Int) throws {
    let ended = Counter()
    try virtually(workers) {
      let fibers = [3, 1, 2].map { seconds in
        goAsync { () -> Int in
          try sleep(for: .seconds(seconds))
          ended.add()
          return seconds
        }
      }
      try #expect(waitFirst(fibers) == 1)
      #expect(ended.value == 1)
    }
    #expect(ended.value == 3)
  }

  @Test func aHandleKnowsItsFiber() throws {
    try virtually {
      let handle = try withNursery("server") { nursery in
        let handle = nursery.goAsync("reader") { Fiber.current }
        #expect(!handle.isFinished)
        #expect(handle.name == "reader")
        let identity = try handle.wait()
        #expect(handle.isFinished)
        #expect(identity?.name == "reader")
        #expect(identity?.id == handle.id)
        #expect(identity?.nurseryPath == "server")
        #expect(identity?.description == "fiber \"reader\" in server")
        return handle
      }
      try #expect(handle.wait()?.name == "reader")
      #expect(handle.name == "reader")
      try #expect(handle.result().get()?.id == handle.id)
    }
    #expect(Fiber.current == nil)
  }

  @Test(arguments: parallelisms) func theHandleMayBeDroppedAtAnyTime(workers: Int) throws {
    let census = Census()
    try virtually(workers) {
      try withNursery { nursery in
        for number in 0..<100 {
          let handle = nursery.goAsync { census.make(number) }
          if number % 3 == 0 { Fiber.yield() }
          if number % 5 == 0 { _ = try handle.wait() }
        }
      }
      #expect(census.count == 0)
    }
    #expect(census.total == 100)
  }
}
