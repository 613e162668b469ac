import Nursery
import Testing

/// A resource with one owner, which notes its end.
private struct Resource: ~Copyable {
  let number: Int
  private let ended: Log<Int>

  init(_ number: Int, _ ended: Log<Int>) {
    self.number = number
    self.ended = ended
  }

  deinit { ended.append(number) }
}

/// An object that only its owner may use.
private final class Draft {
  var text = ""
}

/// Takes the element back, if there is one: its number, and the type of the reason.
private func takeBack(_ unsent: consuming Unsent<Resource>?) -> String {
  guard let unsent = consume unsent else { return "sent" }
  let reason = "\(type(of: unsent.reason))"
  return "\(unsent.take().number): \(reason)"
}

/// Channels whose elements have one owner.
struct HandoverTests {
  @Test func anElementHasOneOwnerUnderEverySchedule() throws {
    // A sanitizer finds nothing in the schedules of one thread.
    let limit = isSanitized ? 100 : 50_000
    for capacity in [HandoverChannel<Resource>.Capacity.unbuffered, .bounded(1)] {
      let report = try exploreSchedules(.exhaustive(limit: limit, preemptions: 2)) {
        let (made, received, returned, ended) = (Log<Int>(), Log<Int>(), Log<Int>(), Log<Int>())
        let channel = HandoverChannel<Resource>(capacity)
        try withNursery { nursery in
          let senders = (1...2).map { number in
            nursery.goAsync {
              made.append(number)
              if let unsent = channel.send(Resource(number, ended)) { returned.append(unsent.take().number) }
            }
          }
          nursery.goAsync { while let resource = try channel.next() { received.append(resource.number) } }
          nursery.goAsync { senders[0].cancel() }
          Fiber.yield()
          channel.close()
        }
        let owners = (received.entries + returned.entries).sorted()
        try hold(owners == made.entries.sorted(), "received \(received.entries), returned \(returned.entries)")
        try hold(owners == ended.entries.sorted(), "ended \(ended.entries)")
      }
      #expect(report.isExhausted || isSanitized)
    }
  }

  @Test func aReceiverThatIsCancelledTakesNothing() throws {
    try underEverySchedule {
      let (received, ended) = (Log<Int>(), Log<Int>())
      let channel = HandoverChannel<Resource>()
      let outcome = try withNursery { nursery in
        let receiver = nursery.goAsync { received.append(try channel.receive().number) }
        nursery.goAsync { receiver.cancel() }
        return takeBack(channel.send(Resource(1, ended), orTimeoutAfter: .seconds(1)))
      }
      try hold(outcome == (received.entries == [1] ? "sent" : "1: TimeoutError"), "\(outcome), \(received.entries)")
      try hold(ended.entries == [1], "\(ended.entries)")
    }
  }

  @Test func anElementThatIsNotSentComesBackWithTheReason() throws {
    try virtually {
      let ended = Log<Int>()
      let channel = HandoverChannel<Resource>()
      expectEqual(takeBack(channel.trySend(Resource(1, ended))), "1: ChannelFullError")
      expectEqual(takeBack(channel.send(Resource(2, ended), orTimeoutAfter: .seconds(1))), "2: TimeoutError")
      try withCancelScope { scope in
        scope.cancel()
        expectEqual(takeBack(channel.send(Resource(3, ended))), "3: CancellationError")
      }
      goAsync { channel.close() }
      expectEqual(takeBack(channel.send(Resource(4, ended))), "4: ChannelClosedError")
      expectEqual(takeBack(channel.trySend(Resource(5, ended))), "5: ChannelClosedError")
      #expect(ended.entries == [1, 2, 3, 4, 5])
    }
  }

  @Test func anElementThatIsNotTakenBackEndsOnce() throws {
    try virtually {
      let ended = Log<Int>()
      let channel = HandoverChannel<Resource>()
      if let unsent = channel.trySend(Resource(1, ended)) {
        #expect(ended.entries == [])
        _ = consume unsent
      }
      #expect(ended.entries == [1])
      goAsync { _ = channel.send(Resource(2, ended)) }
      _ = try channel.receiveOp().perform()
      #expect(ended.entries == [1, 2])
    }
  }

  @Test func elementsLeftInTheChannelEndOnceWithIt() throws {
    let ended = Log<Int>()
    for isClosed in [false, true] {
      let channel = HandoverChannel<Resource>(.bounded(2))
      for number in 1...2 { expectEqual(takeBack(channel.trySend(Resource(number, ended))), "sent") }
      #expect(channel.count == 2)
      if isClosed { channel.close() }
      #expect(channel.isClosed == isClosed)
    }
    #expect(ended.entries == [1, 2, 1, 2])
  }

  @Test func anObjectThatIsNotSendableChangesItsOwner() throws {
    try virtually(2) {
      let drafts = HandoverChannel<Draft>(.bounded(2))
      try withNursery { nursery in
        for _ in 0..<4 {
          nursery.goAsync(placement: .spread) {
            for number in 0..<100 {
              let draft = Draft()
              draft.text = "\(number)"
              if let unsent = drafts.send(draft) { throw unsent.reason }
            }
          }
        }
        for _ in 0..<400 {
          let draft = try drafts.receive()
          draft.text += "!"
        }
        expectEqual(drafts.count, 0)
      }
    }
  }

  @Test func aChoiceTakesAnElementOrLeavesItThere() throws {
    try virtually {
      let ended = Log<Int>()
      let channel = HandoverChannel<Resource>(.bounded(1))
      expectEqual(takeBack(channel.trySend(Resource(1, ended))), "sent")
      try expectEqual(Op.biased([.always(0), channel.receiveOp().wrap { $0.take().number }]).perform(), 0)
      expectEqual(channel.count, 1)
      try expectEqual(channel.receiveOp().wrap { $0.take().number }.or(.never).perform(), 1)
      channel.close()
      try expectEqual(channel.nextOp().perform() == nil, true)
      expectThrows(ChannelClosedError.self) { try channel.receiveOp().perform().take().number }
      #expect(ended.entries == [1])
    }
  }

  @Test func aTaskHandsOverAndTakesElements() async throws {
    let ended = Log<Int>()
    let channel = HandoverChannel<Resource>()
    let receiving = Task { try await channel.receive().number }
    expectEqual(takeBack(await channel.send(Resource(1, ended))), "sent")
    #expect(try await receiving.value == 1)
    let sending = Task { takeBack(await channel.send(Resource(2, ended))) }
    await letTasksRun()
    sending.cancel()
    #expect(await sending.value == "2: CancellationError")
    expectEqual(takeBack(await channel.send(Resource(3, ended), orTimeoutAfter: .zero)), "3: TimeoutError")
    channel.close()
    let isOver = try await channel.next() == nil
    #expect(isOver)
    #expect(ended.entries == [1, 2, 3])
  }

  @Test func takingAParcelTwiceTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try virtually {
        let numbers = HandoverChannel<Int>(.bounded(1))
        _ = numbers.trySend(1)
        let parcel = try numbers.receiveOp().perform()
        _ = parcel.take()
        _ = parcel.take()
      }
    }
    #expect(standardError(result).contains("call take() once"))
  }

  @Test func aHandoverChannelThatWouldDropElementsTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = HandoverChannel<Int>(.newest(2))
    }
    #expect(standardError(result).contains("write .bounded(n), and trySend()"))
  }
}
