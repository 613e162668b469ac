import Nursery
import Testing

/// `onExit`: hooks that run when all fibers have ended.
struct ExitTests {
  @Test(arguments: parallelisms) func theOrderIsBodyChildrenDaemonsHooksBackwards(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      try withNursery { nursery in
        nursery.onExit { log.append("first hook") }
        nursery.goAsync(daemon: true) {
          defer { log.append("daemon") }
          try sleep(for: .seconds(100))
        }
        nursery.goAsync {
          nursery.onExit { log.append("child's hook") }
          try sleep(for: .seconds(1))
          log.append("child")
        }
        nursery.onExit { log.append("last hook") }
        log.append("body")
      }
      log.append("after")
    }
    #expect(
      log.entries == ["body", "child", "daemon", "child's hook", "last hook", "first hook", "after"])
  }

  @Test func hooksAreShieldedAndMayWait() throws {
    let log = Log<String>()
    try virtually {
      let outer: Void? = try withCancelScope { outer in
        try withNursery { nursery in
          nursery.onExit {
            try sleep(for: .seconds(1))
            log.append("said good-bye")
          }
          nursery.cancel()
          outer.cancel()
          try sleep(for: .seconds(1))
        }
      }
      #expect(outer == nil)
    }
    #expect(log.entries == ["said good-bye"])
  }

  @Test func theyRunHoweverTheNurseryEnds() throws {
    let ran = Counter()
    try virtually {
      expectThrows(Oops(1)) {
        try withNursery { nursery in
          nursery.onExit { ran.add() }
          throw Oops(1)
        }
      }
      expectThrows(Oops(2)) {
        try withNursery { nursery in
          nursery.onExit { ran.add() }
          nursery.goAsync { throw Oops(2) }
        }
      }
    }
    #expect(ran.value == 2)
  }

  @Test func aHooksErrorIsAFailureAndTheOtherHooksStillRun() throws {
    let log = Log<Int>()
    try virtually {
      expectThrows(Oops(2)) {
        try withNursery { nursery in
          nursery.onExit { log.append(1) }
          nursery.onExit { throw Oops(2) }
          nursery.onExit { log.append(3) }
        }
      }
      let group = expectThrows(ErrorGroup.self) {
        try withNursery(onFailure: .collect) { nursery in
          nursery.onExit { throw Oops(5) }
          nursery.goAsync { throw Oops(4) }
        }
      }
      #expect(group?.errors(of: Oops.self) == [Oops(4), Oops(5)])
    }
    #expect(log.entries == [3, 1])
  }

  @Test func aHookMayRegisterAnother() throws {
    let log = Log<Int>()
    try virtually {
      try withNursery { nursery in
        nursery.onExit {
          log.append(1)
          nursery.onExit { log.append(2) }
        }
      }
    }
    #expect(log.entries == [1, 2])
  }

  @Test func aHookAfterTheCloseTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let kept = try withNursery("gone") { $0 }
        kept.onExit {}
      }
    }
    #expect(standardError(result).contains("onExit in nursery \"gone\""))
  }
}
