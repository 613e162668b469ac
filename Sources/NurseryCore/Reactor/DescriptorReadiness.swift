/// The operation that commits when a read from the descriptor would not block: there is data, the end, or an error to fetch.
///
/// For descriptors of your own. Regular files are always readable. Close such a descriptor with `closeDescriptor`, or when nobody
/// waits for it. Fails with `SystemError` for a descriptor that is not open, or has been closed since the perform began.
public func readableOp(_ descriptor: Int32) -> Op<Void> {
  Op(ReadinessOperation.readable, argument: UInt(UInt32(bitPattern: descriptor)))
}

/// The operation that commits when a write to the descriptor would not block, or would report an error.
///
/// For descriptors of your own. Regular files are always writable. Close such a descriptor with `closeDescriptor`, or when nobody
/// waits for it. Fails with `SystemError` for a descriptor that is not open, or has been closed since the perform began.
public func writableOp(_ descriptor: Int32) -> Op<Void> {
  Op(ReadinessOperation.writable, argument: UInt(UInt32(bitPattern: descriptor)))
}

/// Closes a descriptor of your own; who waits for it is woken, and its operation fails.
///
/// Never blocks. Without this, who waits does not notice: the kernel tells nobody that a descriptor was closed. Streams of this library
/// have `close()`.
public func closeDescriptor(_ descriptor: Int32) {
  guard DescriptorTable.holds(descriptor) else { return }
  let record = DescriptorTable.record(descriptor)
  _ = record.close(record.generation)
}

/// Readiness as a source: asked of the kernel by poll(2), awaited through the reactor.
///
/// The argument is the number, and above it the generation in which this perform has met it first. In place of a value the slot
/// holds the epoch of the gate. The kernel may have given the number away again behind our back, so each wait has it watched anew.
final class ReadinessOperation: OperationSource, @unchecked Sendable {
  static let readable = ReadinessOperation(.readable)
  static let writable = ReadinessOperation(.writable)

  private let interest: Interest

  private init(_ interest: Interest) {
    self.interest = interest
    super.init(slotSize: 0, keepsAccount: true)
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    let number = Self.number(offer.pointee.argument)
    guard DescriptorTable.holds(number) else { return commit(offer, attempt, .failed) }
    let record = DescriptorTable.record(number)
    let known = UInt32(truncatingIfNeeded: offer.pointee.argument >> 32)
    let generation = known == 0 ? record.generation : known
    offer.pointee.argument = UInt(generation) << 32 | UInt(UInt32(bitPattern: number))
    if generation != record.generation { return commit(offer, attempt, .failed) }
    if !attempt.enlists || attempt == .enlistAlone {
      offer.pointee.slot = UnsafeMutableRawPointer(bitPattern: UInt(record.gate(interest).epoch) + 1)!
      let ready = System.pollNow(number, interest)
      if ready != 0 { return commit(offer, attempt, ready < 0 ? .failed : .value) }
      if !attempt.enlists { return .pending }
    }
    return enlist(offer, attempt, record, generation)
  }

  private func enlist(
    _ offer: OfferRef, _ attempt: Attempt, _ record: DescriptorRef, _ generation: UInt32
  ) -> Answer {
    let performer = offer.pointee.performer
    do {
      let reactor = try performer.reactor()
      let isWatched = try record.watchAnew(by: reactor, generation: generation)
      if !isWatched { return commit(offer, attempt, .value) }
      reactor.backend.expect(record.number, interest)
    } catch {
      return commit(offer, attempt, .failed)
    }
    performer.expectOutside()
    let epoch = UInt32(truncatingIfNeeded: UInt(bitPattern: offer.pointee.slot) - 1)
    let answer = record.gate(interest).enlist(offer, attempt, since: epoch)
    if answer != .pending { performer.endExpectation() }
    return answer
  }

  private func commit(_ offer: OfferRef, _ attempt: Attempt, _ verdict: Verdict) -> Answer {
    guard offer.commits(attempt) else { return .lost }
    offer.win(verdict)
    return .committed
  }

  override func withdraw(_ offer: OfferRef) {
    DescriptorTable.record(Self.number(offer.pointee.argument)).gate(interest).withdraw(offer)
    offer.pointee.performer.endExpectation()
  }

  override func failure(_ verdict: Verdict, argument: UInt) -> any Error {
    SystemError(
      code: System.badDescriptor,
      action: "wait until descriptor \(Self.number(argument)) is \(interest == .readable ? "readable" : "writable")")
  }

  private static func number(_ argument: UInt) -> Int32 { Int32(bitPattern: UInt32(truncatingIfNeeded: argument)) }

  override var waitDescription: String {
    interest == .readable ? "a descriptor to be readable" : "a descriptor to be writable"
  }
}

extension DescriptorRef {
  /// Has a descriptor watched that somebody else may have closed behind our back; false for a kind that is always ready.
  fileprivate func watchAnew(by reactor: Reactor, generation: UInt32) throws(SystemError) -> Bool {
    if pointee.isOwned.load(ordering: .relaxed) {
      try watch(by: reactor, generation: generation)
      return true
    }
    switch reactor.backend.renew(number, token: token(generation)) {
    case 0...: return true
    case -System.notPermitted: return false
    case let result: throw SystemError(code: -result, action: "watch descriptor \(number)")
    }
  }
}
