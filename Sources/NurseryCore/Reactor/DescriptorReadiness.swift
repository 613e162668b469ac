/// The operation that commits when a read from the descriptor would not block: there is data, the end, or an error to fetch.
///
/// Regular files are always readable. Fails with `SystemError` for a descriptor that is not open.
public func readableOp(_ descriptor: Int32) -> Op<Void> {
  Op(ReadinessOperation.readable, argument: UInt(UInt32(bitPattern: descriptor)))
}

/// The operation that commits when a write to the descriptor would not block, or would report an error.
///
/// Regular files are always writable. Fails with `SystemError` for a descriptor that is not open.
public func writableOp(_ descriptor: Int32) -> Op<Void> {
  Op(ReadinessOperation.writable, argument: UInt(UInt32(bitPattern: descriptor)))
}

/// Readiness as a source: asked of the kernel by poll(2), awaited through the poller.
final class ReadinessOperation: OperationSource, @unchecked Sendable {
  static let readable = ReadinessOperation(.readable)
  static let writable = ReadinessOperation(.writable)

  private let interest: Interest

  private init(_ interest: Interest) {
    self.interest = interest
    super.init(slotSize: 0, keepsAccount: true)
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    let descriptor = Self.descriptor(offer)
    if !attempt.enlists || attempt == .enlistAlone {
      let ready = System.pollNow(descriptor, interest.bits)
      if ready != 0 {
        offer.win(ready < 0 ? .failed : .value)
        return .committed
      }
      if !attempt.enlists { return .pending }
    }
    guard let poller = Poller.shared else { return commit(offer, attempt, .failed) }
    switch poller.enlist(offer, descriptor, interest, attempt) {
    case .waiting: return .pending
    case .alwaysReady: return commit(offer, attempt, .value)
    case .refused: return commit(offer, attempt, .failed)
    }
  }

  private func commit(_ offer: OfferRef, _ attempt: Attempt, _ verdict: Verdict) -> Answer {
    guard offer.commits(attempt) else { return .lost }
    offer.win(verdict)
    return .committed
  }

  override func withdraw(_ offer: OfferRef) {
    Poller.shared?.withdraw(offer, Self.descriptor(offer), interest)
  }

  override func failure(_ verdict: Verdict, argument: UInt) -> any Error {
    let descriptor = Int32(bitPattern: UInt32(truncatingIfNeeded: argument))
    return SystemError(code: System.badDescriptor, action: "wait until descriptor \(descriptor) is \(interest)")
  }

  private static func descriptor(_ offer: OfferRef) -> Int32 {
    Int32(bitPattern: UInt32(truncatingIfNeeded: offer.pointee.argument))
  }

  override var waitDescription: String { "a descriptor to be \(interest)" }
}

enum Interest {
  case readable
  case writable

  var bits: UInt32 { self == .readable ? System.readableBit : System.writableBit }
}
