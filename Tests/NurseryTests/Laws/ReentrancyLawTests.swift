import Nursery
import Testing

/// User code that runs during an operation may call anything.
struct ReentrancyLawTests {
  @Test(arguments: Moment.allCases, Deed.all)
  fileprivate func anythingMayBeCalledWheneverCodeOfTheUsersRuns(moment: Moment, deed: Deed) throws {
    for workers in parallelisms {
      try runFibers(Configuration(parallelism: workers)) {
        let done = Counter()
        try withNursery { nursery in
          try moment.run(in: nursery) {
            do {
              try deed.action(nursery)
              done.add()
            } catch {
              Issue.record("\(deed.name) in \(moment): \(error)")
            }
          }
        }
        #expect(done.value == moment.calls, "\(deed.name) in \(moment), \(workers) workers")
      }
    }
  }

  @Test(arguments: Moment.ofPerforms, Deed.all.filter { $0.name != "statistics" })
  fileprivate func anythingMayBeCalledInThePerformOfATask(moment: Moment, deed: Deed) throws {
    try runFibers(Configuration(parallelism: 2)) {
      let done = Counter()
      try withNursery { nursery in
        let perform = { (op: Op<Int>) -> Int in
          let op = Box(op)
          return try runAsync(executor: ThreadExecutor.shared) { try await op.value.perform() }
        }
        try moment.run(in: nursery, perform) {
          do {
            try deed.action(nursery)
            done.add()
          } catch {
            Issue.record("\(deed.name) in \(moment): \(error)")
          }
        }
      }
      #expect(done.value == moment.calls, "\(deed.name) in \(moment)")
    }
  }

  @Test(arguments: Moment.allCases)
  fileprivate func aScopeMayBeCancelledWheneverCodeOfTheUsersRuns(moment: Moment) throws {
    for workers in parallelisms {
      try runFibers(Configuration(parallelism: workers)) {
        let isCancelled: Bool? = try withCancelScope { scope in
          try withNursery { nursery in
            try moment.run(in: nursery) {
              scope.cancel("by code of the user's")
              expectEqual(Fiber.isCancelled, !moment.isShielded)
              expectEqual(scope.reason, .requested("by code of the user's"))
            }
          }
          return scope.isCancelled
        }
        expectEqual(isCancelled ?? true, true)
      }
    }
  }

  @Test func aPrimitiveMaySendToTheOtherBranchOfItsOwnChoice() throws {
    for moment in [Moment.poll, .enlist] {
      try underEverySchedule {
        let channel = Channel<Int>(.bounded(1))
        let primitive = Primitive(at: moment) { _ = try? channel.trySend(1) }
        try withNursery { nursery in
          nursery.goAsync { _ = try channel.trySend(2) }
          let taken = try choose(Op(base: primitive), channel.receiveOp())
          try hold(taken == 1 || taken == 2, "\(taken)")
        }
      }
    }
  }

  @Test func aCommitFromInsideEnlistAndOneFromOutsideNeverBothHappen() throws {
    try underEverySchedule {
      let channel = Channel<Int>(.bounded(1))
      let keeper = WaiterKeeper()
      let taken = Counter()
      try withNursery { nursery in
        nursery.goAsync { if keeper.commit(1) { taken.add() } }
        nursery.goAsync { try channel.send(2) }
        let value = try Op(base: keeper).or(channel.receiveOp()).or(sleepOp(for: .seconds(1)).wrap { 3 }).perform()
        try hold((value == 1) == (taken.value == 1), "\(value) was received, \(taken.value) taken")
        try hold(value != 3, "nothing was received")
      }
      try hold(!keeper.commit(4), "a waiter outlived its perform")
    }
  }

  @Test func aWaiterIsCommittedOnceWhileOthersCancelAndSend() throws {
    for workers in [1, 2, 3] {
      try runFibers(Configuration(parallelism: workers)) {
        for round in 0..<300 {
          let channel = Channel<Int>(.bounded(1))
          let keeper = WaiterKeeper()
          let taken = Counter()
          let value: Int? = try withCancelScope { scope in
            try withNursery { nursery in
              nursery.goAsync { if keeper.commit(1) { taken.add() } }
              nursery.goAsync { _ = try channel.trySend(2) }
              if round % 3 == 0 { nursery.goAsync { scope.cancel() } }
              return try Op(base: keeper).or(channel.receiveOp()).perform()
            }
          }
          expectEqual(value == 1, taken.value == 1)
        }
      }
    }
  }
}

/// The places where user code runs.
private enum Moment: CaseIterable, Sendable {
  case poll, enlist, withdraw, attempt, guarded, nack, abandonment, wrap, recovery, exit, elementsEnd, localsEnd

  /// How often the code is called.
  var calls: Int { self == .attempt ? 2 : 1 }
  var isShielded: Bool { self == .exit }
  /// Those that are moments of one perform.
  static var ofPerforms: [Moment] { allCases.filter { ![.exit, .elementsEnd, .localsEnd].contains($0) } }

  /// Performs an operation that waits for a child, and runs the code during it.
  func run(
    in nursery: Nursery, _ perform: (Op<Int>) throws -> Int = { try $0.perform() }, _ code: @escaping () -> Void
  ) throws {
    let code = Box(code)
    let numbers = Channel<Int>()
    let isEnlisted = Condition()
    // Another worker may begin it early; a choice that finds the number at once enlists nothing.
    let sender = nursery.goAsync {
      if self == .poll || self == .enlist || self == .withdraw { try isEnlisted.wait() }
      try numbers.send(7)
    }
    defer { sender.cancel() }
    if let (op, value) = operation(in: nursery, numbers, isEnlisted, code) {
      expectEqual(try perform(op), value)
      // A nack's server runs after the perform.
      if self == .nack { waitUntilAllParked() }
      return
    }
    switch self {
    case .exit:
      try withNursery { inner in inner.onExit { code.value() } }
    case .elementsEnd:
      let elements = Channel<Dying>()
      nursery.goAsync { try elements.send(Dying(code)) }
      _ = try elements.receiveOp().or(.never).perform()
      waitUntilAllParked()
    case .localsEnd:
      let local = FiberLocal<Dying?>(nil)
      try local.withValue(Dying(code)) { try expectEqual(numbers.receive(), 7) }
    default: break
    }
  }

  /// An operation during whose perform the code runs, and its value; nil if it takes more than that.
  private func operation(
    in nursery: Nursery, _ numbers: Channel<Int>, _ isEnlisted: Condition, _ code: Box<() -> Void>
  ) -> (Op<Int>, Int)? {
    switch self {
    case .poll, .enlist, .withdraw:
      let primitive = Primitive(at: self, isEnlisted: isEnlisted, code.value)
      return (.choice([Op(base: primitive), numbers.receiveOp()]), 7)
    case .attempt:
      let readiness = Readiness("a test")
      let tries = Counter()
      // A signal before the first attempt would not be waited for.
      nursery.goAsync {
        try isEnlisted.wait()
        readiness.signal()
      }
      let op = readiness.whenReadyOp { () -> Int? in
        code.value()
        isEnlisted.signal()
        return tries.add() == 2 ? 5 : nil
      }
      return (op, 5)
    case .guarded:
      let op = Op.guarded {
        code.value()
        return numbers.receiveOp()
      }
      return (op.or(.never), 7)
    case .nack:
      let nacked = Op<Int>.withNack { nack in
        nursery.goAsync {
          try nack.wait()
          code.value()
        }
        return .never
      }
      return (nacked.or(numbers.receiveOp()), 7)
    case .abandonment:
      return (Op.never.onAbandon(code.value).or(numbers.receiveOp()), 7)
    case .wrap:
      let op = numbers.receiveOp().wrap { number in
        code.value()
        return number
      }
      return (op.or(.never), 7)
    case .recovery:
      let op = numbers.receiveOp().wrap { _ -> Int in throw Oops() }.recover { _ in
        code.value()
        return 3
      }
      return (op.or(.never), 3)
    case .exit, .elementsEnd, .localsEnd: return nil
    }
  }
}

/// Runs code when it ends.
private final class Dying: Sendable {
  private let code: Box<() -> Void>

  init(_ code: Box<() -> Void>) { self.code = code }

  deinit { code.value() }
}

/// A primitive that is never ready, and runs code once at one moment of a perform.
private final class Primitive: BaseOperation {
  private let moment: Moment
  private let isEnlisted: Condition
  private let code: () -> Void
  private let calls = Counter()

  init(at moment: Moment, isEnlisted: Condition = Condition(), _ code: @escaping () -> Void) {
    self.moment = moment
    self.isEnlisted = isEnlisted
    self.code = code
  }

  func poll() -> Int? {
    run(.poll)
    return nil
  }

  func enlist(_ waiter: Waiter<Int>) {
    run(.enlist)
    isEnlisted.signal()
  }

  func withdraw(_ waiter: Waiter<Int>) { run(.withdraw) }

  private func run(_ moment: Moment) {
    if moment == self.moment, calls.add() == 1 { code() }
  }
}

/// A primitive with a waiter that any fiber or thread may commit at any time; it lets other fibers run while it
/// enlists.
private final class WaiterKeeper: BaseOperation, Sendable {
  private let waiter = Guarded<Waiter<Int>?>(nil)

  func poll() -> Int? { nil }

  func enlist(_ waiter: Waiter<Int>) {
    self.waiter.withLock { $0 = waiter }
    Fiber.yield()
  }

  func withdraw(_ waiter: Waiter<Int>) { Fiber.yield() }

  func commit(_ value: Int) -> Bool { waiter.withLock { $0 }?.commit(value) ?? false }
}

/// A public call, or a few related ones.
private struct Deed: Sendable, CustomTestStringConvertible {
  let name: String
  let action: @Sendable (Nursery) throws -> Void

  init(_ name: String, _ action: @escaping @Sendable (Nursery) throws -> Void) {
    self.name = name
    self.action = action
  }

  var testDescription: String { name }

  static let all: [Deed] = [
    Deed("asking about the fiber") { nursery in
      _ = (Fiber.isCancelled, Fiber.cancellationReason, Fiber.current, Fiber.isDraining)
      try Fiber.checkCancellation()
      _ = (nursery.childCount, nursery.reason, nursery.isCancelled, nursery.path, nursery.isDraining)
    },
    Deed("yielding") { _ in Fiber.yield() },
    Deed("polling the cancellation") { _ in expectEqual(try cancellationOp().poll() == nil, true) },
    Deed("polling the draining") { nursery in expectEqual(try nursery.drainingOp().poll() == nil, true) },
    Deed("sending and receiving at once") { _ in
      let channel = Channel<Int>(.bounded(1))
      try channel.send(1)
      try expectEqual(channel.receive(), 1)
      try expectEqual(channel.trySend(2), true)
      expectEqual(channel.tryReceive(), 2)
      channel.close()
    },
    Deed("waiting for a message") { nursery in
      let channel = Channel<Int>()
      nursery.goAsync { try channel.send(4) }
      try expectEqual(channel.receive(), 4)
    },
    Deed("waiting in a choice") { nursery in
      let channel = Channel<Int>()
      nursery.goAsync { try channel.send(4) }
      try expectEqual(choose(channel.receiveOp(), .never), 4)
    },
    Deed("waiting in a wide choice") { nursery in
      let channels = (0..<12).map { _ in Channel<Int>() }
      nursery.goAsync { try channels[11].send(4) }
      try expectEqual(Op.choice(channels.map { $0.receiveOp() }).perform(), 4)
    },
    Deed("waiting in guards and nacks") { nursery in
      let channel = Channel<Int>()
      nursery.goAsync { try channel.send(4) }
      let abandoned = Counter()
      let op = Op.guarded { channel.receiveOp() }.or(Op.never.onAbandon { abandoned.add() })
      try expectEqual(op.perform(), 4)
      expectEqual(abandoned.value, 1)
    },
    Deed("another primitive") { _ in
      try expectEqual(choose(Op(base: Primitive(at: .enlist) { Fiber.yield() }), .always(3)), 3)
      let timed = Op(base: Primitive(at: .enlist) { Fiber.yield() }).or(sleepOp(for: .microseconds(1)).wrap { 4 })
      try expectEqual(timed.perform(), 4)
    },
    Deed("waiting for readiness") { nursery in
      let readiness = Readiness("a deed")
      let tries = Counter()
      // A signal before the first try would wake nothing: on another thread it could come so early.
      nursery.goAsync {
        while tries.value == 0 { Fiber.yield() }
        readiness.signal()
      }
      try expectEqual(readiness.whenReadyOp { tries.add() == 2 ? 1 : nil }.perform(), 1)
    },
    Deed("a condition") { nursery in
      let condition = Condition()
      nursery.goAsync { condition.signal() }
      try condition.wait()
      try condition.waitOp().perform()
    },
    Deed("sleeping") { _ in
      try sleep(for: .microseconds(1))
      try sleep(until: FiberClock.now)
    },
    Deed("timing out") { _ in
      expectThrows(TimeoutError.self) { try withTimeout(.microseconds(1)) { try Op<Int>.never.perform() } }
      expectThrows(TimeoutError.self) { try Op<Int>.never.orTimeout(after: .microseconds(1)).perform() }
      try expectEqual(withTimeoutOrNil(.seconds(60)) { 1 }, 1)
    },
    Deed("a nursery") { _ in
      try expectEqual(withNursery { inner in try inner.goAsync { 2 }.wait() }, 2)
    },
    Deed("a child") { nursery in
      try expectEqual(nursery.goAsync { 2 }.wait(), 2)
      try expectEqual(nursery.goAsync { 3 }.result().get(), 3)
      try nursery.goAsync { try Op<Void>.never.perform() }.cancelAndWait()
    },
    Deed("a scope that is cancelled") { _ in
      let value: Int? = try withCancelScope { scope in
        scope.deadline = FiberClock.now + .seconds(60)
        scope.cancel("enough")
        return try Op<Int>.never.perform()
      }
      expectEqual(value == nil, true)
    },
    Deed("a shield") { _ in try withShield { Fiber.yield() } },
    Deed("a race and a map") { _ in
      try expectEqual(race({ 1 }, { 1 }), 1)
      try expectEqual((0..<4).concurrentMap(limit: 2) { $0 }, [0, 1, 2, 3])
    },
    Deed("a blocking call") { _ in try expectEqual(blocking { 5 }, 5) },
    Deed("a generator") { _ in
      expectEqual(Array(Generator<Int> { out in for i in 0..<3 { try out.yield(i) } }), [0, 1, 2])
    },
    Deed("a local") { nursery in
      let local = FiberLocal(0)
      try local.withValue(1) { try expectEqual(nursery.goAsync { local.value }.wait(), 1) }
    },
    Deed("statistics") { _ in expectEqual(Scheduler.current!.statistics.workers > 0, true) },
  ]
}
