import Nursery
import Testing

/// Fibers, plain threads and tasks in the same channels: whichever performs, an element is received once.
struct MixedPerformerTests {
  private enum Kind: CaseIterable {
    case fiber, thread, task
  }

  @Test func everyElementIsReceivedOnceWhoeverPerforms() throws {
    let count = 300
    let received = Log<Int>()
    let left = Channel<Int>()
    let right = Channel<Int>(.bounded(1))
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        let senders = Kind.allCases.enumerated().map { index, kind in
          start(kind, in: nursery, (index * count)..<((index + 1) * count)) { number in
            // Opposing choices, of which some time out.
            number % 2 == 0
              ? Op.choice([left.sendOp(number), right.sendOp(number)])
              : Op.choice([right.sendOp(number), left.sendOp(number)])
          }
        }
        let total = count * Kind.allCases.count
        let receivers = Kind.allCases.enumerated().map { index, kind in
          start(kind, in: nursery, 0..<(total / 3)) { number in
            Op.choice([left.receiveOp(), right.receiveOp()]).wrap { received.append($0) }
          }
        }
        for fiber in senders + receivers { try fiber.wait() }
      }
    }
    #expect(received.entries.sorted() == Array(0..<(3 * count)))
  }

  @Test func everySwapHasAPartnerWhoeverPerforms() throws {
    let count = 200
    let desk = SwapChannel<Int>()
    let given = Log<Int>()
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        // Twice each kind: the number of swaps is even, and the last ones find a partner of another kind.
        let fibers = (0..<6).map { index in
          start(Kind.allCases[index % 3], in: nursery, (index * count)..<((index + 1) * count)) { number in
            desk.swapOp(number).wrap { given.append($0) }.or(timeoutOp(after: .milliseconds(20)))
          }
        }
        for fiber in fibers { try fiber.wait() }
      }
    }
    #expect(Set(given.entries).count == given.entries.count)
    #expect(given.entries.count % 2 == 0)
  }

  /// Performs an operation for each number.
  private func start(
    _ kind: Kind, in nursery: Nursery, _ numbers: Range<Int>, _ makeOp: @escaping @Sendable (Int) -> Op<Void>
  ) -> Fiber<Void> {
    nursery.goAsync {
      switch kind {
      case .fiber: for number in numbers { try makeOp(number).perform() }
      case .thread: try blocking { try PlainThread { for number in numbers { try makeOp(number).perform() } }.join() }
      case .task:
        try runAsync(executor: ThreadExecutor.shared) { for number in numbers { try await makeOp(number).perform() } }
      }
    }
  }
}
