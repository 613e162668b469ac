import Nursery
import Testing

/// A choice is flat and fair over its leaves, however it was built.
struct FlatChoiceTests {
  private static let rounds = 3000

  /// How often each of the values 0 and up was the result.
  private func counts(_ leaves: Int, poll: Bool = false, _ perform: () throws -> Op<Int>) throws -> [Int] {
    try virtually(seed: 42) {
      var counts = [Int](repeating: 0, count: leaves)
      for _ in 0..<Self.rounds {
        let operation = try perform()
        counts[try poll ? operation.poll()! : operation.perform()] += 1
      }
      return counts
    }
  }

  /// Expects each value to be the result in its share of the rounds; the standard deviation is 27 for 3,000 rounds.
  private func expect(
    _ counts: [Int], shares: [Double], _ name: String = "", location: SourceLocation = #_sourceLocation
  ) {
    for (count, share) in zip(counts, shares) {
      let expected = Double(Self.rounds) * share
      #expect(
        abs(Double(count) - expected) < (share == 0 ? 1 : 150), "\(name): \(counts) for \(shares)",
        sourceLocation: location)
    }
  }

  private static var a: Op<Int> { .always(0) }
  private static var b: Op<Int> { .always(1) }
  private static var c: Op<Int> { .always(2) }
  private static var pair: Op<Int> { .choice([b, c]) }

  private static var shapes: [(String, Op<Int>)] {
    [
      ("a choice in a choice", .choice([a, pair])),
      ("first", .choice([pair, a])),
      ("or", a.or(b).or(c)),
      ("or the other way", a.or(b.or(c))),
      ("wrapped", .choice([a, pair.wrap { $0 }])),
      ("wrapped twice", Op.choice([a, pair.wrap { $0 }]).wrap { $0 }),
      ("recovered", a.or(pair.recover { _ in 9 })),
      ("limited", a.or(pair.orTimeout(after: .seconds(1)))),
      (
        "limited twice",
        a.orTimeout(after: .seconds(1)).or(pair.orTimeout(after: .seconds(1)).orTimeout(after: .seconds(2)))
      ),
      ("abandonable", a.or(pair.onAbandon {})),
      ("guarded", a.or(.guarded { pair })),
      ("with a nack", a.or(.withNack { _ in pair })),
      ("guarded inside", .choice([a, .choice([.guarded { b }, c])])),
      ("beside others that never commit", .choice([.never, a, .never, .never, pair, .never])),
      ("wide", .choice([a, pair] + Array(repeating: .never, count: 70))),
      ("in a biased one", .biased([.never, .choice([a, pair]), .always(3)])),
    ]
  }

  @Test func everyLeafHasTheSameShareHoweverTheChoiceWasBuilt() throws {
    for (name, shape) in Self.shapes {
      for poll in [false, true] {
        try expect(counts(4, poll: poll) { shape }, shares: [1 / 3.0, 1 / 3.0, 1 / 3.0, 0], name)
      }
    }
  }

  @Test func choosingIsFlatToo() throws {
    let counts = try virtually(seed: 1) {
      var counts = [0, 0, 0]
      for _ in 0..<Self.rounds { counts[try choose(Self.a, Self.pair)] += 1 }
      return counts
    }
    expect(counts, shares: [1 / 3.0, 1 / 3.0, 1 / 3.0])
    let three = try virtually(seed: 1) {
      var counts = [0, 0, 0, 0]
      for _ in 0..<Self.rounds { counts[try choose(Self.a, Self.pair.wrap { $0 }, .always(3))] += 1 }
      return counts
    }
    expect(three, shares: [0.25, 0.25, 0.25, 0.25])
  }

  @Test func readyChannelsHaveTheSameShareWhereverTheyStand() throws {
    try virtually(seed: 3) {
      for width in [3, 5, 8, 9, 20, 70] {
        let ready = (0..<3).map { _ in Channel<Int>(.bounded(1)) }
        for (number, channel) in ready.enumerated() { try channel.send(number) }
        var arms = (0..<width).map { _ in Channel<Int>().receiveOp() }
        for (number, place) in [0, 1, width - 1].enumerated() { arms[place] = ready[number].receiveOp() }
        for choice in [Op.choice(arms), .choice(arms.map { $0.wrap { $0 } })] {
          var counts = [0, 0, 0]
          for _ in 0..<Self.rounds {
            let number = try choice.perform()
            counts[number] += 1
            try ready[number].send(number)
          }
          expect(counts, shares: [1 / 3.0, 1 / 3.0, 1 / 3.0], "\(width) arms")
        }
      }
    }
  }

  @Test func aBiasedChoiceInsideKeepsItsOrderAndIsOneBranch() throws {
    let shapes: [(String, Op<Int>, [Double])] = [
      ("plain", .choice([Self.a, .biased([Self.b, Self.c])]), [0.5, 0.5, 0]),
      ("first", .choice([.biased([Self.b, Self.c]), Self.a]), [0.5, 0.5, 0]),
      ("wrapped", Self.a.or(Op.biased([Self.b, Self.c]).wrap { $0 }), [0.5, 0.5, 0]),
      ("limited", Self.a.or(Op.biased([Self.b, Self.c]).orTimeout(after: .seconds(1))), [0.5, 0.5, 0]),
      ("its first is not ready", .choice([.biased([.never, Self.b]), Self.a]), [0.5, 0.5, 0]),
      ("two of them", .choice([.biased([Self.a, Self.c]), .biased([Self.b, Self.c])]), [0.5, 0.5, 0]),
      ("a fair one in it", .choice([.biased([.choice([Self.a, Self.b]), Self.c])]), [0.5, 0.5, 0]),
      (
        "fair, biased, fair, biased",
        .choice([.biased([.choice([.biased([Self.a, Self.c]), Self.b]), Self.c]), .biased([.never, .never])]),
        [0.5, 0.5, 0]
      ),
      (
        "many",
        .choice([.biased([Self.a, Self.c])] + Array(repeating: .biased([.never, .never]), count: 40) + [Self.b]),
        [0.5, 0.5, 0]
      ),
    ]
    for (name, shape, shares) in shapes {
      for poll in [false, true] { try expect(counts(3, poll: poll) { shape }, shares: shares, name) }
    }
  }

  @Test func everyLeafCanBeTheFirstUnderTheExplorer() throws {
    for (name, shape) in Self.shapes {
      var seen: Set<Int> = []
      try exploreSchedules { seen.insert(try shape.perform()) }
      #expect(seen == [0, 1, 2], "\(name)")
    }
  }

  @Test func ofEqualLimitsTheInnerOneEndsThePerformInAChoiceToo() throws {
    try virtually {
      for _ in 0..<50 {
        let limited = Op<Int>.never.orTimeout(after: .seconds(1), line: 1).orTimeout(after: .seconds(1), line: 2)
        let error = expectThrows(TimeoutError.self) { try choose(.never, limited.wrap { $0 }, .never) }
        #expect(error?.site.line == 1)
      }
    }
  }

  @Test(arguments: [300, 2000]) func aLongChainOfOrNeitherStarvesItsHeadNorOverflowsTheStack(links: Int) throws {
    try virtually(seed: 5) {
      try withNursery { nursery in
        let isFair = nursery.goAsync {
          var chain = Op.always(0)
          for link in 1..<links { chain = chain.or(.always(link)) }
          let rounds = 400
          var low = 0
          for _ in 0..<rounds where try chain.perform() < links / 2 { low += 1 }
          let quiet = (0..<links).map { _ in Channel<Int>() }
          var parked = quiet[0].receiveOp()
          for channel in quiet.dropFirst() { parked = parked.or(channel.receiveOp().wrap { $0 }) }
          nursery.goAsync { try quiet[links / 3].send(8) }
          try expectEqual(parked.perform(), 8)
          return abs(low - rounds / 2) < 60
        }
        try expectEqual(isFair.wait(), true)
      }
    }
  }

  @Test func nestedGuardsDoNotOverflowTheStack() throws {
    try virtually {
      try withNursery { nursery in
        nursery.goAsync {
          let calls = Counter()
          try expectEqual(Self.guards(1000, calls).perform(), 0)
          try expectEqual(Self.guards(1000, calls).orTimeout(after: .seconds(1)).poll(), 0)
          expectEqual(calls.value, 2000)
          try expectEqual(Self.guardedChoices(1000).perform(), 7)
          // The chain is kept and released as a list; Swift releases it link by link.
          var chain = Op.always(5)
          for _ in 0..<300 {
            let inner = chain
            chain = .guarded { inner }
          }
          try expectEqual(chain.perform(), 5)
        }
      }
    }
  }

  private static func guards(_ depth: Int, _ calls: Counter) -> Op<Int> {
    .guarded {
      calls.add()
      return depth == 1 ? .always(0) : guards(depth - 1, calls)
    }
  }

  private static func guardedChoices(_ depth: Int) -> Op<Int> {
    .guarded { depth == 0 ? .always(7) : .choice([.never, guardedChoices(depth - 1), .never]) }
  }
}
