import Nursery
import Testing

/// The failure policies.
struct PolicyTests {
  @Test(arguments: parallelisms) func collectAlwaysThrowsAGroup(workers: Int) throws {
    for failing in 1...3 {
      let group = expectThrows(ErrorGroup.self) {
        try virtually(workers) {
          try withNursery(onFailure: .collect) { nursery in
            for number in 1...failing {
              nursery.goAsync {
                do { try sleep(for: .seconds(number)) } catch {}
                throw Oops(number)
              }
            }
            nursery.goAsync { try sleep(for: .seconds(1000)) }
          }
        }
      }
      expectEqual(Set(group?.errors(of: Oops.self) ?? []), Set((1...failing).map { Oops($0) }))
      #expect(group?.errors.first as? Oops == Oops(1))
    }
  }

  @Test(arguments: parallelisms) func supervisedSiblingsRunOn(workers: Int) throws {
    let completed = Counter()
    let group = expectThrows(ErrorGroup.self) {
      try virtually(workers) {
        try withNursery(onFailure: .supervise) { nursery in
          nursery.goAsync { throw Oops(1) }
          for _ in 0..<5 {
            nursery.goAsync {
              try sleep(for: .seconds(1))
              completed.add()
            }
          }
          nursery.goAsync {
            try sleep(for: .seconds(2))
            throw Oops(2)
          }
          try sleep(for: .seconds(5))
          completed.add()
        }
      }
    }
    #expect(completed.value == 6)
    #expect(group?.errors(of: Oops.self) == [Oops(1), Oops(2)])
    #expect(group?.description.contains("2 failures") == true)
  }

  @Test(arguments: [FailurePolicy.failFast, .collect, .supervise])
  func aBodysErrorCancelsTheChildren(policy: FailurePolicy) throws {
    let error = expectThrows((any Error).self) {
      try virtually {
        try withNursery(onFailure: policy) { nursery in
          nursery.goAsync { try Op<Void>.never.perform() }
          throw Oops(3)
        }
      }
    }
    if policy == .failFast {
      #expect(error as? Oops == Oops(3))
    } else {
      #expect((error as? ErrorGroup)?.errors(of: Oops.self) == [Oops(3)])
    }
  }

  @Test func aSupervisedFailureIsSeenByWaitAndResult() throws {
    try virtually {
      _ = try? withNursery(onFailure: .supervise) { nursery in
        let failing = nursery.goAsync { () -> Int in throw Oops(4) }
        expectThrows(Oops(4)) { try failing.wait() }
        expectThrows(Oops(4)) { try failing.result().get() }
        expectThrows(Oops(4)) { try failing.waitOp().perform() }
        try expectEqual(failing.waitOp().recover { _ in 5 }.perform(), 5)
      }
    }
  }
}
