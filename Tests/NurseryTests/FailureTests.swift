import Nursery
import Testing

/// How errors of children and bodies are thrown.
struct FailureTests {
  @Test(arguments: parallelisms) func theFirstFailureCancelsTheRestAndIsThrownAsItIs(workers: Int) throws {
    let cancelled = Counter()
    expectThrows(Oops(1)) {
      try virtually(workers) {
        try withNursery { nursery in
          for _ in 0..<5 {
            nursery.goAsync {
              do { try sleep(for: .seconds(100)) } catch let error as CancellationError {
                cancelled.add()
                throw error
              }
            }
          }
          nursery.goAsync {
            try sleep(for: .seconds(1))
            throw Oops(1)
          }
          try Op<Void>.never.perform()
        }
      }
    }
    #expect(cancelled.value == 5)
  }

  @Test(arguments: parallelisms) func furtherFailuresGoToTheHandler(workers: Int) throws {
    let suppressed = Log<Oops>()
    let configuration = Configuration(parallelism: workers, clock: .virtual) { error in
      if let error = error as? Oops { suppressed.append(error) }
    }
    expectThrows(Oops(1)) {
      try runFibers(configuration) {
        try withNursery { nursery in
          for number in 1...3 {
            nursery.goAsync {
              do { try sleep(for: .seconds(number)) } catch {}
              throw Oops(number)
            }
          }
        }
      }
    }
    #expect(suppressed.entries.count == 2)
    #expect(Set(suppressed.entries) == [Oops(2), Oops(3)])
  }

  @Test func withoutAHandlerFurtherFailuresAreWrittenToStandardError() async {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      expectThrows(Oops(1)) {
        try virtually {
          try withNursery { nursery in
            nursery.goAsync { throw Oops(1) }
            nursery.goAsync { throw Oops(2) }
          }
        }
      }
    }
    #expect(standardError(result).contains("suppressed: Oops(number: 2)"))
  }

  @Test func aChildsErrorRethrownByTheBodyCountsOnce() throws {
    let group = expectThrows(ErrorGroup.self) {
      try virtually {
        try withNursery(onFailure: .supervise) { nursery in
          try nursery.goAsync { throw Oops(1) }.wait()
        }
      }
    }
    #expect(group?.errors.count == 1)
  }

  @Test(arguments: parallelisms) func anErrorThatASiblingRethrowsCountsOnce(workers: Int) throws {
    for _ in 0..<50 {
      let group = expectThrows(ErrorGroup.self) {
        try runFibers(Configuration(parallelism: workers)) {
          try withNursery(onFailure: .supervise) { nursery in
            let first = nursery.goAsync { () -> Int in throw Oops(1) }
            nursery.goAsync { _ = try first.wait() }
            _ = try first.wait()
          }
        }
      }
      #expect(group?.errors.count == 1)
    }
  }

  @Test func aBodysErrorAfterAChildsIsTheSecond() throws {
    let group = expectThrows(ErrorGroup.self) {
      try virtually {
        try withNursery(onFailure: .collect) { nursery in
          nursery.goAsync { throw Oops(1) }
          do { try sleep(for: .seconds(1)) } catch {}
          throw Oops(2)
        }
      }
    }
    #expect(group?.errors(of: Oops.self) == [Oops(1), Oops(2)])
  }

  @Test(arguments: parallelisms) func cancellationErrorNeverMasksARealError(workers: Int) throws {
    expectThrows(Oops(1)) {
      try virtually(workers) {
        try withNursery { nursery in
          nursery.goAsync { throw Oops(1) }
          try sleep(for: .seconds(1))
        }
      }
    }
    expectThrows(Oops(2)) {
      try virtually(workers) {
        try withNursery { nursery in
          nursery.goAsync { throw CancellationError() }
          nursery.goAsync {
            try sleep(for: .seconds(1))
            throw Oops(2)
          }
        }
      }
    }
  }

  @Test func aFailureCaughtFromWaitStillFailsTheNursery() throws {
    let caught = Log<String>()
    expectThrows(Oops(1)) {
      try virtually {
        try withNursery { nursery in
          do { try nursery.goAsync { throw Oops(1) }.wait() } catch { caught.append("\(error)") }
        }
      }
    }
    #expect(caught.entries.count == 1)
  }

  @Test func theOuterNurseryIsFailedByWhatTheInnerOneThrows() throws {
    expectThrows(Oops(1)) {
      try virtually {
        try withNursery("outer") { outer in
          outer.goAsync { try withNursery("inner") { $0.goAsync { throw Oops(1) } } }
          try Op<Void>.never.perform()
        }
      }
    }
  }

  @Test func theBodysErrorOfARunIsThrown() throws {
    expectThrows(Oops(6)) {
      try virtually {
        goAsync { try Op<Void>.never.perform() }
        throw Oops(6)
      }
    }
    expectThrows(Oops(7)) { try virtually { _ = goAsync { throw Oops(7) } } }
  }

  @Test(arguments: [FailurePolicy.failFast, .collect, .supervise])
  func errorsOfAnySizeMayMeet(policy: FailurePolicy) throws {
    struct Small: Error {}
    struct Large: Error { var words = [1, 2, 3], more = "text", number = 1.0 }
    enum Plain: Error { case one, two }
    let errors: [any Error] = [Small(), Large(), Plain.one, Oops(1)]
    for childs in errors {
      for bodys in errors {
        expectThrows((any Error).self) {
          try virtually {
            try withNursery(onFailure: policy) { nursery in
              nursery.goAsync { throw childs }
              do { try sleep(for: .seconds(1)) } catch {}
              throw bodys
            }
          }
        }
      }
    }
  }
}
