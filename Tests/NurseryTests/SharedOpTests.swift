import Nursery
import Testing

/// An operation that can be stored, captured and sent.
struct SharedOpTests {
  private struct Server: Sendable {
    let quit: SharedOp<Void>
  }

  @Test(arguments: parallelisms) func aSharedOperationIsStoredCapturedByTwoChildrenAndSentOverAChannel(workers: Int)
    throws
  {
    try virtually(workers) {
      let stop = Condition()
      let server = Server(quit: SharedOp { stop.waitOp() })
      let operations = Channel<SharedOp<Int>>()
      let numbers = Channel<Int>()
      try withNursery { nursery in
        nursery.goAsync { try server.quit.perform() }
        nursery.goAsync { try choose(server.quit.op, .never) }
        nursery.goAsync { try operations.send(SharedOp { numbers.receiveOp().wrap { $0 * 2 } }) }
        nursery.goAsync { try numbers.send(21) }
        try expectEqual(operations.receive().perform(), 42)
        stop.signal()
      }
    }
  }

  @Test func itsRecipeRunsOnceAPerformBeforeAnythingIsPolled() throws {
    try virtually {
      let calls = Counter()
      let shared = SharedOp {
        calls.add()
        return Op.always(calls.value)
      }
      #expect(calls.value == 0)
      try #expect(shared.perform() == 1)
      try #expect(shared.poll() == 2)
      try #expect(Op.biased([.always(9), shared.op]).perform() == 9)
      #expect(calls.value == 3)
      try withCancelScope { scope in
        scope.cancel()
        expectThrows(CancellationError.self) { try shared.perform() }
      }
      #expect(calls.value == 3)
    }
  }

  @Test func anErrorOfItsRecipeIsThrownByThePerform() throws {
    try virtually {
      let shared = SharedOp<Int> { throw Oops() }
      expectThrows(Oops()) { try shared.perform() }
      expectThrows(Oops()) { try choose(shared.op, .always(1)) }
    }
  }

  @Test func aLimitAppliesToEachPerform() throws {
    try virtually {
      let shared = SharedOp<Int> { .never.orTimeout(after: .seconds(1)) }
      for _ in 0..<3 { expectThrows(TimeoutError.self) { try shared.perform() } }
    }
  }
}
