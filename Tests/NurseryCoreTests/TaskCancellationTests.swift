import NurseryCore
import Synchronization
import Testing

/// A task's cancellation is one more branch of its performs: a cancelled wait has had no effect.
struct TaskCancellationTests {
  @Test func aCancelledTaskPerformsNothing() async throws {
    let channel = Channel<Int>(.bounded(1))
    try await channel.send(1)
    let guards = Counter()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      await #expect(throws: CancellationError.self) { try await channel.receive() }
      await #expect(throws: CancellationError.self) { try await channel.send(2) }
      await #expect(throws: CancellationError.self) { try await choose(channel.receiveOp(), .always(3)) }
      await #expect(throws: CancellationError.self) {
        try await Op.guarded {
          guards.add()
          return Op.always(1)
        }.perform()
      }
      await #expect(throws: CancellationError.self) { try await sleep(for: .zero) }
    }
    await task.value
    #expect(guards.value == 0)
    #expect(channel.tryReceive() == 1)
    #expect(channel.count == 0)
  }

  @Test func aCancelledWaitHasNoEffect() async throws {
    let channel = Channel<Int>()
    let condition = Condition()
    let fired = Counter()
    let waits: [@Sendable () async throws -> Void] = [
      { _ = try await channel.receive() },
      { _ = try await channel.receiveOp().orTimeout(after: .seconds(3600)).perform() },
      { _ = try await choose(channel.receiveOp(), Channel<Int>().receiveOp()) },
      { _ = try await channel.receiveOp().onAbandon { fired.add() }.perform() },
      { try await sleep(for: .seconds(3600)) },
      { try await condition.wait() },
    ]
    for wait in waits {
      let task = Task(operation: wait)
      await letTasksRun()
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try channel.trySend(1) == false)
    }
    #expect(fired.value == 1)
    let sender = Task { try await channel.send(1) }
    await letTasksRun()
    sender.cancel()
    await #expect(throws: CancellationError.self) { try await sender.value }
    #expect(channel.tryReceive() == nil)
  }

  /// The probe runs its action when the branch before it stands, in the middle of the perform.
  @Test func aCancellationWhileOffersAreLeftIsSeen() async throws {
    let channel = Channel<Int>()
    let task = Task {
      let probe = EnlistingProbe<Int> { _ in withUnsafeCurrentTask { $0?.cancel() } }
      return try await Op.biased([channel.receiveOp(), Op(probe)]).perform()
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try channel.trySend(1) == false)
  }

  @Test func aCommitBeatsACancellationThatComesLater() async throws {
    let channel = Channel<Int>()
    let task = Task {
      let probe = EnlistingProbe<Int> { commit in
        #expect(commit(5))
        withUnsafeCurrentTask { $0?.cancel() }
      }
      let value = try await Op.biased([channel.receiveOp(), Op(probe)]).perform()
      await #expect(throws: CancellationError.self) { try await channel.receive() }
      return value
    }
    #expect(try await task.value == 5)
  }

  @Test func aCommitWhileOffersAreLeftEndsThePerformWithoutSuspending() async throws {
    let channel = Channel<Int>()
    let probe = EnlistingProbe<Int> { commit in #expect(commit(6)) }
    #expect(try await Op.biased([Op(probe), channel.receiveOp()]).perform() == 6)
    #expect(try channel.trySend(1) == false)
  }

  @Test func aCommitAndACancellationNeverBothWin() async throws {
    let channel = Channel<Int>()
    let received = Counter()
    let sent = Counter()
    var cancelled = 0
    for round in 0..<2000 {
      let receiver = Task {
        let number = round % 2 == 0 ? try await channel.receive() : try await choose(channel.receiveOp(), .never)
        received.add()
        return number
      }
      let sender = Task {
        try await channel.send(round)
        sent.add()
      }
      if round % 3 != 0 { await Task.yield() }
      receiver.cancel()
      switch await receiver.result {
      case .success(let number): #expect(number == round)
      case .failure(let error):
        #expect(error is CancellationError)
        cancelled += 1
        #expect(try await channel.receive() == round)
        received.add()
      }
      try await sender.value
      #expect(received.value == sent.value)
    }
  }

  @Test func aTaskCancelledAgainAndAgainIsCancelledOnce() async throws {
    for _ in 0..<200 {
      let condition = Condition()
      let task = Task { try await condition.wait() }
      await withTaskGroup { group in
        for _ in 0..<3 { group.addTask { task.cancel() } }
        group.addTask { condition.signal() }
      }
      _ = await task.result
    }
  }

  @Test func aTaskThatIsWokenToTryAgainMayBeCancelled() async throws {
    let readiness = Readiness("a test")
    let isReady = Atomic<Bool>(false)
    let tries = Counter()
    let op = SharedOp {
      readiness.whenReadyOp {
        tries.add()
        return isReady.load(ordering: .acquiring) ? 1 : nil
      }
    }
    let task = Task { try await op.perform() }
    await letTasksRun()
    for _ in 0..<3 {
      readiness.signal()
      await letTasksRun()
    }
    #expect(tries.value > 0)
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    let other = Task { try await op.perform() }
    await letTasksRun()
    isReady.store(true, ordering: .releasing)
    readiness.signal()
    #expect(try await other.value == 1)
  }
}
