import Nursery

/// An element for channels, made from a number.
protocol Numbered: Sendable {
  init(number: Int)
  var number: Int { get }
}

extension Int: Numbered {
  init(number: Int) { self = number }
  var number: Int { self }
}

/// Lives on the heap.
final class Parcel: Numbered {
  let number: Int

  init(number: Int) { self.number = number }
}

/// Does not fit into the slot in the performer's offer.
struct Wide: Numbered {
  let number: Int
  private let ballast = (0, 1, 2, 3, 4, 5, 6, 7, 8)

  init(number: Int) { self.number = number }
}

extension Specimens {
  static let channels: [any AnySpecimen] =
    family(.unbuffered, Int.self) + family(.bounded(2), Int.self) + family(.unbuffered, Parcel.self)
    + family(.bounded(2), Wide.self)
    + [sendsAtOnce(.bounded(2)), receivesTheClosing, receivesTheRest, sendsIntoTheClosing, sendsIntoTheClosed]
    + [sendsAtOnce(.unbounded), sendsAtOnce(.newest(2)), sendsToTheFull(.newest(2)), sendsToTheFull(.oldest(2))]
    + [receivesMany, sendsMany, reserves, receivesAParcel]
    + [next(Int.self), next(Parcel.self), next(Wide.self), nextOfTheClosing]

  private static func family<Element: Numbered>(
    _ capacity: Channel<Int>.Capacity, _ type: Element.Type
  ) -> [any AnySpecimen] {
    let kind: Channel<Element>.Capacity
    let size: Int
    switch capacity {
    case .unbuffered: (kind, size) = (.unbuffered, 0)
    case .bounded(let count): (kind, size) = (.bounded(count), count)
    default: fatalError("senders to a channel of this capacity do not wait")
    }
    // At a rendezvous one partner waits for the other.
    let traits: Set<Trait> = size == 0 ? .usual.union([.readiesSlowly]) : .usual
    return [receives(kind, traits), sends(kind, size: size, traits)]
  }

  private static func receives<Element: Numbered>(
    _ capacity: Channel<Element>.Capacity, _ traits: Set<Trait>
  ) -> Specimen<Element> {
    Specimen("receive from a Channel<\(Element.self)>(.\(capacity))", traits) { _ in
      let channel = Channel<Element>(capacity)
      let sent = Counter()
      return Fixture(
        op: channel.receiveOp(), verb: { try channel.receive() }, other: Element(number: 3),
        isRight: { $0.number == 7 },
        makeReady: {
          try channel.send(Element(number: 7))
          sent.add()
        },
        effects: { sent.value - channel.count }, effectsOfCommit: 1)
    }
  }

  /// - Parameter size: how many elements fill the channel.
  private static func sends<Element: Numbered>(
    _ capacity: Channel<Element>.Capacity, size: Int, _ traits: Set<Trait>
  ) -> Specimen<Void> {
    Specimen("send to a Channel<\(Element.self)>(.\(capacity))", traits) { _ in
      let channel = Channel<Element>(capacity)
      for _ in 0..<size { try channel.send(Element(number: 3)) }
      let received = Counter()
      return Fixture(
        op: channel.sendOp(Element(number: 7)), verb: { try channel.send(Element(number: 7)) }, other: (),
        makeReady: {
          _ = try channel.receive()
          received.add()
        },
        effects: { channel.count + received.value - size }, effectsOfCommit: 1)
    }
  }

  /// A send to a channel that has room.
  private static func sendsAtOnce(_ capacity: Channel<Int>.Capacity) -> Specimen<Void> {
    Specimen("send to a Channel<Int>(.\(capacity)) with room", [.readiesBefore]) { _ in
      let channel = Channel<Int>(capacity)
      return Fixture(
        op: channel.sendOp(7), verb: { try channel.send(7) }, other: (), effects: { channel.count }, effectsOfCommit: 1)
    }
  }

  /// A send that drops an element.
  private static func sendsToTheFull(_ capacity: Channel<Int>.Capacity) -> Specimen<Void> {
    Specimen("send to a full Channel<Int>(.\(capacity))", [.readiesBefore]) { _ in
      let dropped = Counter()
      let channel = Channel<Int>(capacity) { _ in dropped.add() }
      for number in 0..<2 { try channel.send(number) }
      return Fixture(
        op: channel.sendOp(7), verb: { try channel.send(7) }, other: (), effects: { dropped.value }, effectsOfCommit: 1)
    }
  }

  private static var receivesMany: Specimen<[Int]> {
    Specimen("receive many") { _ in
      let channel = Channel<Int>(.bounded(2))
      let sent = Counter()
      return Fixture(
        op: channel.receiveManyOp(upTo: 2), verb: { try channel.receiveMany(upTo: 2) }, other: [3],
        isRight: { $0 == [7] },
        makeReady: {
          try channel.send(7)
          sent.add()
        },
        effects: { sent.value - channel.count }, effectsOfCommit: 1)
    }
  }

  private static var reserves: Specimen<Int> {
    Specimen("reserve a place") { _ in
      let channel = Channel<Int>(.bounded(1))
      try channel.send(3)
      let kept = Log<Channel<Int>.Permit>()
      let keep = { (permit: Channel<Int>.Permit) in
        kept.append(permit)
        return 7
      }
      return Fixture(
        op: channel.reserveOp().wrap(keep), verb: { keep(try channel.reserve()) }, other: 3, isRight: { $0 == 7 },
        makeReady: { _ = try channel.receive() }, effects: { channel.statistics.reserved }, effectsOfCommit: 1,
        waiters: { channel.statistics.waitingSenders })
    }
  }

  private static var receivesAParcel: Specimen<Int> {
    Specimen("receive from a HandoverChannel") { _ in
      let channel = HandoverChannel<Int>(.bounded(2))
      let sent = Counter()
      return Fixture(
        op: channel.receiveOp().wrap { $0.take() }, verb: { try channel.receive() }, other: 3, isRight: { $0 == 7 },
        makeReady: {
          if let unsent = channel.send(7) { throw unsent.reason }
          sent.add()
        },
        effects: { sent.value - channel.count }, effectsOfCommit: 1)
    }
  }

  private static var sendsMany: Specimen<Int> {
    Specimen("send many") { _ in
      let channel = Channel<Int>(.bounded(2))
      for number in 0..<2 { try channel.send(number) }
      let received = Counter()
      return Fixture(
        op: channel.sendManyOp([7, 8]), verb: { try channel.sendMany([7, 8]) }, other: 3, isRight: { $0 == 1 },
        makeReady: {
          _ = try channel.receive()
          received.add()
        },
        effects: { channel.count + received.value - 2 }, effectsOfCommit: 1)
    }
  }

  private static var receivesTheClosing: Specimen<Int> {
    Specimen("receive from a channel that closes", outcome: .failed("ChannelClosedError")) { _ in
      let channel = Channel<Int>()
      return Fixture(
        op: channel.receiveOp(), verb: { try channel.receive() }, other: 3, makeReady: { channel.close() })
    }
  }

  private static var receivesTheRest: Specimen<Int> {
    Specimen("receive the rest of a closed channel", [.readiesBefore]) { _ in
      let channel = Channel<Int>(.bounded(1))
      try channel.send(7)
      channel.close()
      return Fixture(
        op: channel.receiveOp(), verb: { try channel.receive() }, other: 3, isRight: { $0 == 7 },
        effects: { 1 - channel.count }, effectsOfCommit: 1)
    }
  }

  private static func next<Element: Numbered>(_ type: Element.Type) -> Specimen<Element?> {
    Specimen("next of a Channel<\(Element.self)>") { _ in
      let channel = Channel<Element>(.bounded(2))
      let sent = Counter()
      return Fixture(
        op: channel.nextOp(), verb: { try channel.next() }, other: Element(number: 3),
        isRight: { $0?.number == 7 },
        makeReady: {
          try channel.send(Element(number: 7))
          sent.add()
        },
        effects: { sent.value - channel.count }, effectsOfCommit: 1)
    }
  }

  private static var nextOfTheClosing: Specimen<Int?> {
    Specimen("next of a channel that closes") { _ in
      let channel = Channel<Int>()
      return Fixture(
        op: channel.nextOp(), verb: { try channel.next() }, other: 3, isRight: { $0 == nil },
        makeReady: { channel.close() })
    }
  }

  private static var sendsIntoTheClosing: Specimen<Void> {
    Specimen("send to a channel that closes", outcome: .failed("ChannelClosedError")) { _ in
      let channel = Channel<Int>(.bounded(1))
      try channel.send(3)
      return Fixture(
        op: channel.sendOp(7), verb: { try channel.send(7) }, other: (), makeReady: { channel.close() },
        effects: { channel.count - 1 })
    }
  }

  private static var sendsIntoTheClosed: Specimen<Void> {
    Specimen("send to a closed channel", [.readiesBefore], outcome: .failed("ChannelClosedError")) { _ in
      let channel = Channel<Int>(.bounded(1))
      channel.close()
      return Fixture(
        op: channel.sendOp(7), verb: { try channel.send(7) }, other: (), effects: { channel.count })
    }
  }
}
