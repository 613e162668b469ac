import Nursery

/// Multicasts and requests.
extension Specimens {
  static let messages: [any AnySpecimen] = [
    Specimen("next of a Multicast", .usual.union([.isPrimitive])) { _ in
      let multicast = Multicast<Int>()
      let subscription = multicast.subscribe(.lagging(4))
      let second = multicast.subscribe(.holdingBack(1))
      let sent = Counter()
      let taken = Counter()
      let take = { (element: Int?) -> Int in
        taken.add()
        return element ?? 0
      }
      return Fixture(
        op: subscription.nextOp().wrap(take), verb: { take(try subscription.next()) }, other: 3,
        isRight: { $0 == 7 },
        makeReady: {
          try multicast.send(7)
          sent.add()
          _ = try second.next()
        },
        effects: { taken.value }, effectsOfCommit: 1)
    },
    Specimen("miss elements of a Multicast", [.readiesBefore, .isPrimitive], outcome: .failed("LaggedError")) { _ in
      let multicast = Multicast<Int>()
      let subscription = multicast.subscribe(.lagging(1))
      for number in 0..<3 { try multicast.send(number) }
      return Fixture(op: subscription.nextOp(), verb: { try subscription.next() }, other: 3)
    },
    Specimen("send to a Multicast", .usual.union([.isPrimitive])) { _ in
      let multicast = Multicast<Int>()
      let subscription = multicast.subscribe(.holdingBack(1))
      let other = multicast.subscribe(.lagging(8))
      try multicast.send(3)
      _ = try other.next()
      let seen = Counter()
      return Fixture(
        op: multicast.sendOp(7), verb: { try multicast.send(7) }, other: (),
        makeReady: { _ = try subscription.next() },
        effects: {
          while case .some(.some(7)) = try? other.nextOp().poll() { seen.add() }
          return seen.value
        }, effectsOfCommit: 1,
        waiters: { multicast.waitingCount })
    },
    Specimen("ask a server", .usual.subtracting([.readiesBefore]).union([.isPrimitive, .readiesSlowly, .needsTime])) {
      _ in
      let inbox = Requests<Int, Int>()
      let replies = Counter()
      return Fixture(
        op: inbox.askOp(6), verb: { try inbox.ask(6) }, other: 3, isRight: { $0 == 7 },
        makeReady: {
          while let request = try inbox.next() {
            guard request.reply(request.query + 1) else { continue }
            replies.add()
            return
          }
        },
        effects: { replies.value }, effectsOfCommit: 1, waiters: { inbox.waitingCount })
    },
    Specimen(
      "ask a server that fails",
      .usual.subtracting([.readiesBefore]).union([.isPrimitive, .readiesSlowly, .needsTime]),
      outcome: .failed("Oops")
    ) { _ in
      let inbox = Requests<Int, Int>()
      return Fixture(
        op: inbox.askOp(6), verb: { try inbox.ask(6) }, other: 3,
        makeReady: {
          while let request = try inbox.next() {
            if request.fail(Oops()) { return }
          }
        }, waiters: { inbox.waitingCount })
    },
  ]
}
