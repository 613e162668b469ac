import NurseryCore
import Testing

/// Rendezvous, buffers, order, and calls that do not wait.
struct ChannelTests {
  @Test(arguments: parallelisms) func aRendezvousPassesTheElement(workers: Int) throws {
    let received = try virtually(workers) {
      let channel = Channel<Int>()
      spawn { try channel.send(42) }
      return try channel.receive()
    }
    #expect(received == 42)
  }

  @Test(arguments: parallelisms) func anUnbufferedSendWaitsForItsReceiver(workers: Int) throws {
    let events = Log<String>()
    try virtually(workers) {
      let channel = Channel<Int>()
      let sender = spawn {
        try channel.send(1)
        events.append("sent")
      }
      letOthersRun()
      events.append("about to receive")
      _ = try channel.receive()
      try sender.wait()
    }
    #expect(events.entries == ["about to receive", "sent"])
  }

  @Test(arguments: [1, 2, 7, 8, 9, 100]) func aBoundedChannelTakesItsCapacityWithoutWaiting(capacity: Int) throws {
    try virtually {
      let channel = Channel<Int>(.bounded(capacity))
      for number in 0..<capacity { try channel.send(number) }
      #expect(channel.count == capacity)
      try #expect(channel.trySend(-1) == false)
      for number in 0..<capacity { try #expect(channel.receive() == number) }
      #expect(channel.tryReceive() == nil)
    }
  }

  @Test(arguments: [0, 1, 3, 64], parallelisms) func elementsOfOneSenderArriveInOrder(
    capacity: Int, workers: Int
  ) throws {
    let received = try virtually(workers) {
      let channel = Channel<Int>(.bounded(capacity))
      spawn {
        for number in 0..<1000 { try channel.send(number) }
        channel.close()
      }
      return Array(channel)
    }
    #expect(received == Array(0..<1000))
  }

  @Test func waitingReceiversAreServedInTheOrderTheyCame() throws {
    let order = Log<[Int]>()
    try virtually {
      let channel = Channel<Int>()
      let receivers = (0..<5).map { number in
        spawn { order.append([number, try channel.receive()]) }
      }
      letOthersRun()
      for number in 0..<5 { try channel.send(number) }
      for receiver in receivers { try receiver.wait() }
    }
    #expect(order.entries.allSatisfy { $0[0] == $0[1] })
    #expect(order.entries.count == 5)
  }

  @Test func waitingSendersAreServedInTheOrderTheyCame() throws {
    let received = try virtually {
      let channel = Channel<Int>(.bounded(1))
      for number in 0..<5 { spawn { try channel.send(number) } }
      letOthersRun()
      return try (0..<5).map { _ in try channel.receive() }
    }
    #expect(received == [0, 1, 2, 3, 4])
  }

  @Test func theBufferIsRefilledFromTheFirstWaitingSender() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(2))
      for number in 0..<4 { spawn { try channel.send(number) } }
      letOthersRun()
      #expect(channel.tryReceive() == 0)
      #expect(channel.count == 2)
      #expect(channel.tryReceive() == 1)
      #expect(channel.tryReceive() == 2)
      #expect(channel.tryReceive() == 3)
      #expect(channel.tryReceive() == nil)
    }
  }

  @Test func tryingNeverWaits() throws {
    try virtually {
      let channel = Channel<Int>()
      #expect(channel.tryReceive() == nil)
      try #expect(channel.trySend(1) == false)
      let receiver = spawn { try channel.receive() }
      letOthersRun()
      #expect(try channel.trySend(2))
      try #expect(receiver.wait() == 2)
      let sender = spawn { try channel.send(3) }
      letOthersRun()
      #expect(channel.tryReceive() == 3)
      try sender.wait()
    }
  }

  @Test(arguments: parallelisms) func severalFibersMayIterateAtOnceAndShareTheElements(workers: Int) throws {
    let sums = try virtually(workers) {
      let channel = Channel<Int>(.bounded(4))
      let readers = (0..<4).map { _ in spawn { channel.reduce(0, +) } }
      for number in 1...1000 { try channel.send(number) }
      channel.close()
      return try readers.map { try $0.wait() }
    }
    #expect(sums.reduce(0, +) == 500_500)
  }

  @Test func aNegativeCapacityTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Channel<Int>(.bounded(-1))
    }
    #expect(standardError(result).contains("a channel cannot hold -1 elements"))
  }

  @Test(arguments: parallelisms) func twoSchedulersTalkOverOneChannel(workers: Int) throws {
    let requests = Channel<Int>()
    let replies = Channel<Int>(.bounded(2))
    let server = PlainThread {
      try Scheduler.run(Configuration(parallelism: workers)) {
        for request in requests { try replies.send(request * 2) }
        replies.close()
      }
    }
    let sum = try Scheduler.run(Configuration(parallelism: workers)) {
      spawn {
        for number in 1...500 { try requests.send(number) }
        requests.close()
      }
      return replies.reduce(0, +)
    }
    try server.join()
    #expect(sum == 250_500)
  }
}
