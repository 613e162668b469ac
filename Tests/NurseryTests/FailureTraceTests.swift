import Nursery
import Testing

/// The fibers and nurseries that an error has passed through.
struct FailureTraceTests {
  /// The steps, with the numbers of nameless fibers and lines left out.
  private func outline(_ error: any Error) -> [String]? {
    FailureTrace(of: error)?.steps.map { step in
      switch step {
      case .fiber(let fiber, _): "\(fiber.name ?? "-") in \(fiber.nurseryPath)"
      case .nursery(let path, _): path
      case .attempt(let number, let failure): "\(number): \(failure)"
      }
    }
  }

  @Test(arguments: parallelisms) func itNamesTheFibersAndNurseriesInnermostFirst(workers: Int) throws {
    let line = #line
    do {
      try virtually(workers) {
        try withNursery("server") { server in
          server.goAsync("acceptor") {
            try withNursery("connections") { connections in
              connections.goAsync("reader") { throw Oops(1) }
              try sleep(for: .seconds(10))
            }
          }
        }
      }
      Issue.record("nothing was thrown")
    } catch {
      #expect(error as? Oops == Oops(1))
      let through = ["reader in server/connections", "server/connections", "acceptor in server", "server", ""]
      #expect(outline(error) == through)
      let trace = FailureTrace(of: error)
      #expect(
        trace?.description.contains(
          "fiber \"reader\" in server/connections, spawned at NurseryTests/FailureTraceTests.swift:\(line + 6)") == true
      )
      #expect(
        trace?.description.contains("nursery server, opened at NurseryTests/FailureTraceTests.swift:\(line + 3)")
          == true)
    }
  }

  @Test func anErrorThatIsRethrownIsTheSameAndOneThrownAnewIsAnother() throws {
    try virtually {
      do {
        try withNursery("a") { nursery in
          do {
            try nursery.goAsync("child") { throw Oops(1) }.wait()
          } catch {
            throw error
          }
        }
      } catch {
        #expect(outline(error) == ["child in a", "a"])
      }
      do {
        do {
          try withNursery("b") { _ in throw Oops(2) }
        } catch let error as Oops {
          throw error
        }
      } catch {
        #expect(outline(error) == nil)
      }
    }
  }

  @Test func everyErrorOfAGroupHasItsOwn() throws {
    try virtually {
      let group = expectThrows(ErrorGroup.self) {
        try withNursery("all", onFailure: .supervise) { nursery in
          for number in 0..<3 { nursery.goAsync("f\(number)") { throw Oops(number) } }
        }
      }
      #expect(group?.errors.compactMap(outline) == [["f0 in all"], ["f1 in all"], ["f2 in all"]])
    }
  }

  @Test func anErrorBeforeTheStartHasPassedTheChild() throws {
    try virtually {
      try withNursery("n") { nursery in
        do {
          try nursery.start("starter") { _ in throw Oops(1) }
        } catch {
          #expect(outline(error) == ["starter in n"])
        }
      }
    }
  }

  @Test func anErrorThatHasNotLeftAnythingHasNone() throws {
    do { throw Oops(1) } catch { #expect(FailureTrace(of: error) == nil) }
    do {
      try withTimeout(.zero) { try sleep(for: .seconds(1)) }
    } catch {
      #expect(FailureTrace(of: error) == nil)
    }
  }

  @Test func theRegisterKeepsNoErrorAlive() throws {
    struct Heavy: Error {
      let member: Census.Member
    }
    let census = Census()
    try virtually {
      for _ in 0..<1000 {
        do {
          try withNursery { nursery in
            nursery.goAsync { throw Heavy(member: census.make()) }
          }
        } catch {
          #expect(FailureTrace(of: error)?.steps.count == 2)
        }
        // The thread that clears the register, perhaps another test's, holds each error while it checks it.
        expectSoon { census.count == 0 }
      }
    }
  }

  @Test func anErrorThatIsThrownOverAndOverKeepsAShortTrace() throws {
    let shared: any Error = Oops(1)
    try virtually {
      for _ in 0..<1000 {
        try? withNursery { nursery in
          nursery.goAsync { throw shared }
          return
        }
      }
    }
    #expect(FailureTrace(of: shared).map { $0.steps.count <= 64 } == true)
  }

  @Test func errorsThatFailInTheirDeinitDoNotGetInTheWay() throws {
    final class Contrary: Error {
      deinit { try? withNursery { _ in throw Oops(1) } }
    }
    try virtually {
      for _ in 0..<300 { try? withNursery { _ in throw Contrary() } }
    }
  }

  @Test func manyFailuresAtOnceAreKeptApart() throws {
    try runFibers(Configuration(parallelism: 2)) {
      for _ in 0..<20 {
        let group = expectThrows(ErrorGroup.self) {
          try withNursery("many", onFailure: .supervise) { nursery in
            for number in 0..<200 { nursery.goAsync("\(number)") { throw Oops(number) } }
          }
        }
        for error in group?.errors ?? [] {
          #expect(outline(error) == ["\((error as? Oops)?.number ?? -1) in many"])
        }
      }
    }
  }
}
