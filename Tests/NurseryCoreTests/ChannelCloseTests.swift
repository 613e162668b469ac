import NurseryCore
import Testing

/// Closing a channel.
struct ChannelCloseTests {
  @Test(arguments: parallelisms) func bufferedElementsStillArriveThenReceiveThrows(workers: Int) throws {
    try virtually(workers) {
      let channel = Channel<Int>(.bounded(3))
      for number in 0..<3 { try channel.send(number) }
      channel.close()
      #expect(channel.isClosed)
      for number in 0..<3 { try #expect(channel.receive() == number) }
      expectThrows(ChannelClosedError.self) { try channel.receive() }
      expectThrows(ChannelClosedError.self) { try channel.receiveOp().perform() }
      #expect(channel.tryReceive() == nil)
    }
  }

  @Test(arguments: [0, 4], parallelisms) func closingEndsEveryReceiver(capacity: Int, workers: Int) throws {
    let closed = Counter()
    try virtually(workers) {
      let channel = Channel<Int>(.bounded(capacity))
      let receivers = (0..<5).map { _ in
        spawn {
          do { _ = try channel.receive() } catch is ChannelClosedError { closed.add() }
        }
      }
      letOthersRun()
      channel.close()
      for receiver in receivers { try receiver.wait() }
    }
    #expect(closed.value == 5)
  }

  @Test(arguments: [0, 2], parallelisms) func closingFailsEverySender(capacity: Int, workers: Int) throws {
    let closed = Counter()
    let drained = try virtually(workers) {
      let channel = Channel<Int>(.bounded(capacity))
      for number in 0..<capacity { try channel.send(number) }
      let senders = (0..<5).map { number in
        spawn {
          do { try channel.send(100 + number) } catch is ChannelClosedError { closed.add() }
        }
      }
      let viaOp = spawn {
        do { try channel.sendOp(7).perform() } catch is ChannelClosedError { closed.add() }
      }
      letOthersRun()
      channel.close()
      for sender in senders { try sender.wait() }
      try viaOp.wait()
      return Array(channel)
    }
    #expect(closed.value == 6)
    #expect(drained == Array(0..<capacity))
  }

  @Test func laterSendersGetTheErrorAtOnce() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      channel.close()
      expectThrows(ChannelClosedError.self) { try channel.send(1) }
      expectThrows(ChannelClosedError.self) { try channel.trySend(1) }
      expectThrows(ChannelClosedError.self) { try channel.sendOp(1).perform() }
      expectThrows(ChannelClosedError.self) { try channel.sendOp(1).poll() }
      #expect(channel.count == 0)
    }
  }

  @Test func closingTwiceDoesNothing() throws {
    try virtually {
      let channel = Channel<Int>()
      channel.close()
      channel.close()
      #expect(Array(channel) == [])
    }
  }

  @Test(arguments: parallelisms) func iterationEndsWhenTheChannelIsClosedAndDrained(workers: Int) throws {
    let seen = try virtually(workers) {
      let channel = Channel<String>(.bounded(2))
      spawn {
        for word in ["a", "b", "c", "d"] { try channel.send(word) }
        channel.close()
      }
      var seen: [String] = []
      for word in channel { seen.append(word) }
      return seen
    }
    #expect(seen == ["a", "b", "c", "d"])
  }

  @Test(arguments: parallelisms) func closingReachesAChoiceAsOneCommittedBranch(workers: Int) throws {
    let outcomes = Log<String>()
    try virtually(workers) {
      let first = Channel<Int>()
      let second = Channel<Int>()
      let chooser = spawn {
        do {
          _ = try choose(first.receiveOp(), second.receiveOp())
          outcomes.append("value")
        } catch is ChannelClosedError {
          outcomes.append("closed")
        }
      }
      letOthersRun()
      first.close()
      second.close()
      try chooser.wait()
    }
    #expect(outcomes.entries == ["closed"])
  }

  @Test func recoveringFromAClosedChannelYieldsTheHandlersValue() throws {
    try virtually {
      let channel = Channel<Int>()
      channel.close()
      let recovered = try channel.receiveOp().recover { _ in -1 }.perform()
      #expect(recovered == -1)
    }
  }

  @Test func closingAndSendingAtOnceLosesNothing() throws {
    for round in 0..<200 {
      let sent = Counter()
      let received = try virtually(2) {
        let channel = Channel<Int>(.bounded(round % 3))
        for _ in 0..<4 {
          spawn {
            do {
              while true {
                try channel.send(1)
                sent.add()
              }
            } catch is ChannelClosedError {}
          }
        }
        spawn {
          for _ in 0..<round % 20 { Performer.yield() }
          channel.close()
        }
        return channel.reduce(0, +)
      }
      #expect(received == sent.value)
    }
  }
}
