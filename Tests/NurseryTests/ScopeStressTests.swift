import Nursery
import Testing

private let depthLocal = FiberLocal(0)

/// Nurseries with random combinations of all features, while they are cancelled from inside and outside.
@Suite(.serialized) struct ScopeStressTests {
  @Test(arguments: [1, 2, 3]) func inAnyMixEveryFiberEndsInsideItsNurseryAndEveryHookRuns(workers: Int) throws {
    for round in 0..<20 * stressFactor {
      let tally = Tally()
      try? runFibers(Configuration(parallelism: workers, onSuppressedError: { _ in })) {
        try withNursery("top") { nursery in
          for number in 0..<4 { nursery.goAsync { try grow(tally, round * 10 + number, depth: 3) } }
          try sleep(for: .microseconds(round % 13 * 50))
          switch round % 4 {
          case 0: nursery.cancel()
          case 1: nursery.drain(grace: .microseconds(round % 7 * 30))
          case 2: throw Oops(round)
          default: break
          }
        }
      }
      #expect(tally.members.count == 0)
      #expect(tally.hooksAdded.value == tally.hooksRun.value)
      #expect(tally.wrong.value == 0)
    }
  }

  private final class Tally: Sendable {
    let members = Census()
    let hooksAdded = Counter()
    let hooksRun = Counter()
    let wrong = Counter()
  }

  /// Opens a nursery and does random things in it.
  private func grow(_ tally: Tally, _ seed: Int, depth: Int) throws {
    var dice = Dice(seed)
    let alive = Counter()
    let member = tally.members.make()
    defer {
      withExtendedLifetime(member) {}
      if alive.value != 0 { tally.wrong.add() }
    }
    let limit = dice.roll(3) == 0 ? 1 + dice.roll(3) : nil
    let policy: FailurePolicy = [.failFast, .supervise, .collect][dice.roll(3)]
    try depthLocal.withValue(depth) {
      let deadline = dice.roll(2) == 0 ? FiberClock.now + .microseconds(dice.roll(300)) : nil
      try withCancelScope(deadline: deadline) { scope in
        try withNursery("depth \(depth)", onFailure: policy, limit: limit) { nursery in
          for number in 0..<3 + dice.roll(4) {
            let next = seed &* 37 &+ number
            act(dice.roll(9), in: nursery, scope) {
              alive.add()
              defer { alive.add(-1) }
              if depthLocal.value != depth { tally.wrong.add() }
              if depth == 0 { return try sleep(for: .microseconds(next % 40)) }
              try self.grow(tally, next, depth: depth - 1)
            }
          }
          for _ in 0..<dice.roll(3) {
            tally.hooksAdded.add()
            nursery.onExit {
              if alive.value != 0 { tally.wrong.add() }
              tally.hooksRun.add()
            }
          }
          if dice.roll(3) == 0 { try sleep(for: .microseconds(dice.roll(100))) }
        }
      }
    }
  }

  private func act(
    _ kind: Int, in nursery: Nursery, _ scope: CancelScope, _ body: @escaping @Sendable () throws -> Void
  ) {
    switch kind {
    case 0: nursery.goAsync(daemon: true, body)
    case 1: nursery.goAsync(body).cancel()
    case 2:
      nursery.goAsync {
        try body()
        throw Oops(1)
      }
    case 3:
      _ = try? withTimeoutOrNil(.microseconds(50)) {
        try nursery.start { started in
          try sleep(for: .microseconds(40))
          started()
          try body()
        }
      }
    case 4:
      nursery.goAsync {
        for _ in 0..<5 {
          scope.deadline = FiberClock.now + .microseconds(60)
          try body()
        }
      }
    case 5:
      nursery.goAsync(daemon: true) {
        while true {
          goAsync(body)
          try sleep(for: .microseconds(30))
        }
      }
    case 6:
      nursery.goAsync {
        try nursery.drainingOp().or(sleepOp(for: .microseconds(80))).perform()
        nursery.drain(grace: .microseconds(20))
      }
    case 7:
      nursery.goAsync { _ = try race(body, { try sleep(for: .microseconds(20)) }) }
    default: nursery.goAsync(body)
    }
  }

  @Test(arguments: [1, 2]) func aLimitHoldsWhileThreadsSpawnAndTheNurseryIsCancelled(workers: Int) throws {
    for round in 0..<30 * stressFactor {
      let running = Counter()
      let exceeded = Counter()
      try runFibers(Configuration(parallelism: workers)) {
        try withNursery(limit: 3) { nursery in
          let threads = (0..<2).map { _ in
            PlainThread {
              for number in 0..<100 {
                nursery.goAsync {
                  if running.add() > 3 { exceeded.add() }
                  defer { running.add(-1) }
                  if number % 3 == 0 { try sleep(for: .microseconds(number % 5)) } else { Fiber.yield() }
                }
              }
            }
          }
          defer { for thread in threads { try? thread.join() } }
          if round % 3 == 0 {
            try sleep(for: .microseconds(round * 7 % 300))
            nursery.cancel()
          }
        }
      }
      #expect(running.value == 0)
      #expect(exceeded.value == 0)
    }
  }
}
