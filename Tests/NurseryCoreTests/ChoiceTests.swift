import NurseryCore
import Testing

/// Exactly one branch commits, fairly, for any kinds of branches.
struct ChoiceTests {
  @Test(arguments: parallelisms) func aParkedChoiceTakesTheBranchThatBecomesReady(workers: Int) throws {
    try virtually(workers) {
      let numbers = Channel<Int>()
      let words = Channel<String>()
      for round in 0..<20 {
        spawn {
          if round % 2 == 0 { try numbers.send(round) } else { try words.send("\(round)") }
        }
        try expectEqual(choose(numbers.receiveOp(), words.receiveOp().wrap { Int($0)! }), round)
      }
    }
  }

  @Test(arguments: parallelisms) func nothingOfTheLosersHappens(workers: Int) throws {
    try virtually(workers) {
      let out = Channel<Int>(.bounded(1))
      let first = Channel<Int>(.bounded(1))
      let second = Channel<Int>(.bounded(1))
      try first.send(1)
      try second.send(2)
      try out.send(0)
      let won = try choose(first.receiveOp(), second.receiveOp(), out.sendOp(9).wrap { 9 })
      #expect(won == 1 || won == 2)
      #expect(first.count + second.count == 1)
      #expect(out.tryReceive() == 0)
      #expect(out.tryReceive() == nil)
    }
  }

  @Test func aBiasedChoiceTakesTheFirstReadyBranchInOrder() throws {
    try virtually {
      for _ in 0..<50 {
        try #expect(Op.biased([.never, .always(1), .always(2)]).perform() == 1)
        try #expect(Op.biased([.never, .always(1), .always(2)]).poll() == 1)
      }
      let nested = Op.biased([.biased([.never, .always(1)]), .always(2)])
      try #expect(nested.perform() == 1)
    }
  }

  @Test(arguments: [2, 3, 8, 9, 20]) func aChoiceIsFair(arms: Int) throws {
    let wins = try virtually(seed: 42) {
      var wins = [Int](repeating: 0, count: arms)
      let choice = Op.choice((0..<arms).map { Op.always($0) })
      for _ in 0..<arms * 200 { wins[try choice.perform()] += 1 }
      return wins
    }
    #expect(wins.allSatisfy { $0 > 120 && $0 < 280 })
  }

  @Test func choosingIsFairToo() throws {
    let wins = try virtually(seed: 7) {
      var wins = [0, 0, 0]
      for _ in 0..<600 { wins[try choose(.always(0), .always(1), .always(2))] += 1 }
      return wins
    }
    #expect(wins.allSatisfy { $0 > 130 })
  }

  @Test func theSeedDeterminesTheRandomChoices() throws {
    func run(_ seed: UInt64) throws -> [Int] {
      try virtually(seed: seed) {
        let choice = Op.choice((0..<10).map { Op.always($0) })
        return try (0..<50).map { _ in try choice.perform() }
      }
    }
    #expect(try run(1) == run(1))
    #expect(try run(1) != run(2))
  }

  @Test func aChoiceNeverMeetsItself() throws {
    try virtually {
      for capacity in [0, 1] {
        let channel = Channel<Int>(.bounded(capacity))
        let timeout = timeoutOp(after: .seconds(1)).wrap { -1 }
        let both = Op.choice([channel.sendOp(1).wrap { 0 }, channel.receiveOp(), timeout])
        let first = try both.perform()
        #expect(first == (capacity == 0 ? -1 : 0))
      }
      let channel = Channel<Int>()
      let both = channel.sendOp(1).wrap { 0 }.or(channel.receiveOp())
      let other = spawn { try both.perform() }
      let mine = try both.perform()
      try #expect(mine + other.wait() == 1)
    }
  }

  @Test(arguments: parallelisms) func manyChoicesThatSendAndReceiveOnOneChannelPairUp(workers: Int) throws {
    let values = try virtually(workers) {
      let channel = Channel<Int>()
      let both = channel.sendOp(1).wrap { 0 }.or(channel.receiveOp())
      let fibers = (0..<100).map { _ in spawn { try both.perform() } }
      return try fibers.map { try $0.wait() }
    }
    #expect(values.reduce(0, +) == 50)
  }

  @Test(arguments: parallelisms) func choicesOverTwoChannelsInOppositeOrdersMeet(workers: Int) throws {
    for _ in 0..<50 {
      let total = try virtually(workers) {
        let left = Channel<Int>()
        let right = Channel<Int>()
        let givers = (0..<20).map { number in
          spawn { try choose(left.sendOp(number).wrap { number }, right.sendOp(number).wrap { number }) }
        }
        let takers = (0..<20).map { _ in spawn { try choose(right.receiveOp(), left.receiveOp()) } }
        return try givers.reduce(0) { try $0 + $1.wait() } - takers.reduce(0) { try $0 + $1.wait() }
      }
      #expect(total == 0)
    }
  }

  @Test(arguments: [9, 20, 100], parallelisms) func aVeryWideChoiceWorks(arms: Int, workers: Int) throws {
    try virtually(workers) {
      let channels = (0..<arms).map { _ in Channel<String>() }
      let any = Op.choice(channels.map { $0.receiveOp() })
      for (index, channel) in channels.enumerated() {
        let sender = spawn { try channel.send("\(index)") }
        try #expect(any.perform() == "\(index)")
        try sender.wait()
      }
      try #expect(any.poll() == nil)
    }
  }

  /// Up to 64 branches of one leaf each are polled without being asked; a perform lays out up to 8 on its stack.
  @Test(arguments: [2, 8, 9, 64, 65], parallelisms)
  func eachWrapGetsTheValueOrTheErrorOfItsBranch(arms: Int, workers: Int) throws {
    func choice(_ channels: [Channel<Int>]) -> Op<String> {
      .choice(
        channels.enumerated().map { index, channel in
          index.isMultiple(of: 2)
            ? channel.receiveOp().wrap { "\(index): \($0)" }.recover { _ in "\(index) is closed" }
            : channel.nextOp().wrap { $0.map { "\(index): \($0)" } ?? "\(index) has ended" }
        })
    }
    try virtually(workers) {
      let channels = (0..<arms).map { _ in Channel<Int>() }
      let any = choice(channels)
      for (index, channel) in channels.enumerated() {
        let sender = spawn { try channel.send(7) }
        try #expect(any.perform() == "\(index): 7")
        try sender.wait()
      }
      try #expect(any.poll() == nil)
      for index in 0..<2 {
        let channels = (0..<arms).map { _ in Channel<Int>() }
        let end = index == 0 ? "0 is closed" : "1 has ended"
        let receiver = spawn { try choice(channels).perform() }
        try sleep(for: .seconds(1))
        channels[index].close()
        try #expect(receiver.wait() == end)
        try #expect(choice(channels).perform() == end)
      }
    }
  }

  @Test(arguments: parallelisms) func largeValuesPassThroughChoices(workers: Int) throws {
    try virtually(workers) {
      let large = Channel<[20 of Int]>()
      let vectors = Channel<SIMD8<Double>>()
      spawn { try large.send(.init { $0 }) }
      let sum = try choose(
        large.receiveOp().wrap { value in value.indices.reduce(0) { $0 + value[$1] } },
        vectors.receiveOp().wrap { Int($0.sum()) })
      #expect(sum == 190)
      spawn { try vectors.send(.init(repeating: 2)) }
      try #expect(vectors.receiveOp().or(.never).perform() == .init(repeating: 2))
    }
  }

  @Test func nestedChoicesTakeTheValueOfTheRightLeaf() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      let operation = Op.choice([
        Op<String>.choice([.never, .never]).wrap { "a" + $0 },
        Op.choice([.never, channel.receiveOp()]).wrap { "b\($0)" }.wrap { $0 + "!" },
        Op.choice([.never, .never]),
      ])
      for number in 0..<20 {
        try channel.send(number)
        try #expect(operation.perform() == "b\(number)!")
      }
    }
  }
}
