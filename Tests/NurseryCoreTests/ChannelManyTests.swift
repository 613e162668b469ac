import NurseryCore
import Testing

/// Several elements in one call.
struct ChannelManyTests {
  @Test func receiveManyTakesWhatIsThereUpToItsLimit() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(10))
      for number in 0..<7 { try channel.send(number) }
      try #expect(channel.receiveMany(upTo: 3) == [0, 1, 2])
      try #expect(channel.receiveManyOp(upTo: 2).perform() == [3, 4])
      try #expect(channel.receiveMany(upTo: 100) == [5, 6])
      try #expect(channel.receiveManyOp(upTo: 1).poll() == nil)
      try channel.send(7)
      channel.close()
      try #expect(channel.receiveMany(upTo: 2) == [7])
      expectThrows(ChannelClosedError.self) { try channel.receiveMany(upTo: 2) }
      expectThrows(ChannelClosedError.self) { try channel.receiveManyOp(upTo: 2).perform() }
    }
  }

  @Test func receiveManyWaitsForOneElement() throws {
    try virtually {
      let channel = Channel<Int>()
      let sizes = Log<Int>()
      let receiver = spawn {
        for _ in 0..<2 { sizes.append(try channel.receiveMany(upTo: 8).count) }
      }
      letOthersRun()
      for number in 1...2 {
        try channel.send(number)
        letOthersRun()
      }
      try receiver.wait()
      #expect(sizes.entries == [1, 1])
    }
  }

  @Test(arguments: [0, 1, 3, 64], parallelisms) func sendManySendsInOrderAndAtLeastOne(
    capacity: Int, workers: Int
  ) throws {
    let received = try virtually(workers) {
      let channel = Channel<Int>(.bounded(capacity))
      spawn {
        var rest = Array(0..<500)[...]
        while !rest.isEmpty {
          let count = try rest.count % 2 == 0 ? channel.sendMany(rest) : channel.sendManyOp(rest).perform()
          #expect(count >= 1)
          rest = rest.dropFirst(count)
        }
        channel.close()
      }
      var received: [Int] = []
      do {
        while true { received += try channel.receiveMany(upTo: 7) }
      } catch is ChannelClosedError {}
      return received
    }
    #expect(received == Array(0..<500))
  }

  @Test func sendManySendsWhatFitsWithoutWaiting() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(3))
      try #expect(channel.sendMany([1, 2, 3, 4, 5]) == 3)
      try #expect(channel.sendManyOp([4, 5]).poll() == nil)
      try #expect(channel.sendMany([]) == 0)
      try #expect(channel.sendManyOp([]).perform() == 0)
      channel.close()
      expectThrows(ChannelClosedError.self) { try channel.sendMany([4]) }
      #expect(Array(channel) == [1, 2, 3])
    }
  }

  @Test func aLimitOfNothingTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Channel<Int>().receiveManyOp(upTo: 0)
    }
    #expect(standardError(result).contains("write a limit of at least 1"))
  }
}
