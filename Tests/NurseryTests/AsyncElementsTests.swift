import Nursery
import Testing

/// The elements of asynchronous sequences as operations.
struct AsyncElementsTests {
  @Test func theElementsOfAnAsyncSequenceAreOperations() throws {
    let (numbers, source) = AsyncStream<Int>.makeStream()
    for number in 1...3 { source.yield(number) }
    source.finish()
    try withNursery { nursery in
      let elements = numbers.operations(executor: ThreadExecutor.shared)
      expectEqual(try elements.next(), 1)
      expectEqual(try choose(elements.nextOp(), .never), 2)
      // The daemon may be on this fiber's thread, which must not be blocked.
      expectEqual(try blocking { try PlainThread { try elements.next() }.join() }, 3)
      for _ in 0..<2 { #expect(try elements.next() == nil) }
    }
  }

  @Test func anElementThatArrivesForABranchThatLostIsKept() throws {
    let script = Script()
    try withNursery { nursery in
      let elements = script.operations(in: nursery, executor: ThreadExecutor.shared)
      try script.loseCall(1, of: elements)
      script.add(.element(7))
      expectEqual(try elements.next(), 7)
      expectEqual(script.calls.value, 1)
      try script.loseCall(2, of: elements)
      script.add(.element(8))
      expectEqual(try elements.next(), 8)
      expectEqual(script.calls.value, 2)
    }
  }

  @Test func atMostOneNextRunsAndEveryElementGoesToOnePerformer() async throws {
    let script = Script()
    let received = Log<Int>()
    let count = 200
    try await withNursery { nursery in
      let elements = script.operations(in: nursery)
      for _ in 0..<4 { nursery.goAsync { while let number = try elements.next() { received.append(number) } } }
      nursery.goAsync {
        let thread = PlainThread { while let number = try elements.next() { received.append(number) } }
        try blocking { try thread.join() }
      }
      let task = Task { while let number = try await elements.next() { received.append(number) } }
      for number in 0..<count { script.add(.element(number)) }
      script.add(.end)
      try task.valueOp().perform()
    }
    #expect(received.entries.sorted() == Array(0..<count))
    #expect(script.mostRunning.value == 1)
  }

  @Test func theErrorOfASequenceIsKeptForEveryPerform() throws {
    let script = Script()
    try withNursery { nursery in
      let elements = script.operations(in: nursery, executor: ThreadExecutor.shared)
      try script.loseCall(1, of: elements)
      script.add(.failure(Oops(3)))
      for _ in 0..<3 { expectThrows(Oops(3)) { try elements.next() } }
      expectEqual(script.calls.value, 1)
    }
  }

  @Test func theEndOfTheNurseryCancelsARunningNextAndWaitsForIt() throws {
    let script = Script()
    let elements = try withNursery("readers") { nursery in
      let elements = script.operations(in: nursery, executor: ThreadExecutor.shared)
      try script.loseCall(1, of: elements)
      return elements
    }
    #expect(script.cancelled.value == 1)
    #expect(script.running.value == 0)
    let error = expectThrows(NurseryClosedError.self) { try elements.next() }
    #expect("\(error!)".contains("nursery \"readers\", opened at NurseryTests/AsyncElementsTests.swift:"))
  }

  @Test func anErrorThatNoPerformHasReceivedIsReported() throws {
    let script = Script()
    let errors = Log<String>()
    try runFibers(Configuration(onSuppressedError: { errors.append("\($0)") })) {
      try withNursery { nursery in
        let elements = script.operations(executor: ThreadExecutor.shared)
        try script.loseCall(1, of: elements)
        script.add(.failure(Oops(4)))
        while script.running.value > 0 { Fiber.yield() }
      }
    }
    #expect(errors.entries == ["\(Oops(4))"])
  }

  @Test func aPollTakesWhatIsKeptAndCallsNothing() throws {
    let script = Script()
    script.add(.element(1))
    try withNursery { nursery in
      let elements = script.operations(in: nursery, executor: ThreadExecutor.shared)
      expectEqual(try elements.nextOp().poll() == nil, true)
      expectEqual(try Op.biased([elements.nextOp(), .always(5)]).perform(), 5)
      expectEqual(script.calls.value, 0)
      expectEqual(try elements.next(), 1)
    }
  }
}

/// An asynchronous sequence whose steps a test writes.
private struct Script: AsyncSequence, AsyncIteratorProtocol, Sendable {
  enum Step: Sendable {
    case element(Int)
    case failure(Oops)
    case end
  }

  private let steps = Channel<Step>(.unbounded)
  private let begun = Channel<Void>(.unbounded)
  let calls = Counter()
  let running = Counter()
  let mostRunning = Counter()
  let cancelled = Counter()

  func add(_ step: Step) { _ = try? steps.trySend(step) }

  /// Lets a perform begin the call of this number, from 1 on, and lose.
  func loseCall(_ number: Int, of elements: AsyncElements<Int>) throws {
    try withNursery { nursery in
      let lost = nursery.goAsync { try elements.next() }
      while calls.value < number { try begun.receive() }
      try lost.cancelAndWait()
    }
  }

  func makeAsyncIterator() -> Script { self }

  func next() async throws -> Int? {
    calls.add()
    if running.add() > mostRunning.value { mostRunning.add() }
    defer { running.add(-1) }
    _ = try begun.trySend(())
    do {
      switch try await steps.receive() {
      case .element(let number): return number
      case .failure(let error): throw error
      case .end: return nil
      }
    } catch is CancellationError {
      cancelled.add()
      return nil
    }
  }
}
