import Nursery
import Testing

/// Channels and operations as asynchronous sequences.
struct AsyncSequenceTests {
  @Test func aTaskIteratesOverAChannel() async throws {
    let channel = Channel<Int>(.bounded(2))
    let sender = Task {
      for number in 1...20 { try await channel.send(number) }
      channel.close()
    }
    var received: [Int] = []
    for await number in channel.elements { received.append(number) }
    #expect(received == Array(1...20))
    try await sender.value
  }

  @Test func aLoopThatIsLeftEarlyLeavesTheRestInTheChannel() async throws {
    let channel = Channel<Int>(.bounded(4))
    _ = try await channel.sendMany([1, 2, 3])
    for await number in channel.elements where number == 2 { break }
    #expect(channel.tryReceive() == 3)
  }

  @Test func tasksAndFibersShareTheElementsOfAChannel() async throws {
    let channel = Channel<Int>()
    let received = Log<Int>()
    let tasks = (0..<3).map { _ in Task { for await number in channel.elements { received.append(number) } } }
    try await withNursery { nursery in
      nursery.goAsync { for number in channel { received.append(number) } }
      for number in 0..<200 { try channel.send(number) }
      channel.close()
    }
    for task in tasks { await task.value }
    #expect(received.entries.sorted() == Array(0..<200))
  }

  @Test func aLoopEndsInACancelledTaskAndTheNextCallThrows() async throws {
    let channel = Channel<Int>(.bounded(1))
    try await channel.send(7)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      for await _ in channel.elements { Issue.record("a cancelled task has received") }
      try await channel.send(1)
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(channel.tryReceive() == 7)
  }

  @MainActor @Test func aLoopRunsInTheCallersIsolation() async throws {
    let channel = Channel<Int>(.bounded(3))
    _ = try await channel.sendMany([1, 2, 3])
    channel.close()
    var sum = 0
    for await number in channel.elements {
      MainActor.assertIsolated()
      sum += number
    }
    #expect(sum == 6)
  }

  @Test func anOperationIsPerformedForEachElementUntilItYieldsNilOrThrows() async throws {
    let channel = Channel<Int>(.bounded(3))
    _ = try await channel.sendMany([1, 2, 3])
    var received: [Int] = []
    for try await number in channel.nextOp().wrap({ $0 == 3 ? nil : $0 }).elements() { received.append(number) }
    #expect(received == [1, 2])
    let failing = channel.nextOp().orTimeout(after: .milliseconds(1))
    await #expect(throws: TimeoutError.self) { for try await _ in failing.elements() {} }
  }
}
