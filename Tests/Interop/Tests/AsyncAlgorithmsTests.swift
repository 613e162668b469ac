import AsyncAlgorithms
import Nursery
import Testing

/// swift-async-algorithms, imported beside Nursery: no name is ambiguous.
struct AsyncAlgorithmsTests {
  /// Its operators work on a channel's elements.
  @Test func operatorsTakeTheElementsOfChannels() async throws {
    let left = Channel<Int>(.bounded(3))
    let right = Channel<Int>(.bounded(3))
    _ = try await left.sendMany([1, 2, 3])
    _ = try await right.sendMany([10, 20, 30])
    left.close()
    right.close()
    var merged: [Int] = []
    for await number in merge(left.elements, right.elements) { merged.append(number) }
    #expect(merged.sorted() == [1, 2, 3, 10, 20, 30])
  }

  @Test func chunksOfAChannel() async throws {
    let numbers = Channel<Int>(.bounded(5))
    _ = try await numbers.sendMany([1, 2, 3, 4, 5])
    numbers.close()
    var chunks: [[Int]] = []
    for await chunk in numbers.elements.chunks(ofCount: 2) { chunks.append(chunk) }
    #expect(chunks == [[1, 2], [3, 4], [5]])
  }

  /// A fiber chooses between its `AsyncChannel` and a timeout, and loses no element.
  @Test func aFiberChoosesAmongAsyncChannels() async throws {
    let replies = AsyncChannel<String>()
    let sender = Task {
      try await Task.sleep(for: .milliseconds(20))
      await replies.send("late")
      replies.finish()
    }
    let seen = try await withNursery { nursery in
      let elements = replies.operations(in: nursery)
      let first = try choose(elements.nextOp(), timeoutOp(after: .milliseconds(1)).wrap { "nothing yet" })
      return [first, try elements.next(), try elements.next()]
    }
    #expect(seen == ["nothing yet", "late", nil])
    try await sender.value
  }
}
