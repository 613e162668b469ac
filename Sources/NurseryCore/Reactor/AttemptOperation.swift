/// An operation that is tried on the performer's own fiber, whenever something behind a gate has changed.
///
/// An unsuccessful attempt has no effect, so a branch that loses needs no undoing.
@usableFromInline
package final class AttemptOperation<Value>: ValueSource<Value>, @unchecked Sendable {
  /// Tries, and puts the result into the slot; false if it is too early.
  @usableFromInline let run: (UnsafeMutableRawPointer) -> Bool
  let gate: GateRef
  /// Keeps the gate alive.
  private let owner: AnyObject?
  private let what: StaticString
  /// The descriptor whose readiness signals the gate, if there is one.
  private let descriptor: (Descriptor, Interest)?

  package init(
    _ gate: GateRef, of owner: AnyObject?, _ what: StaticString, from descriptor: (Descriptor, Interest)? = nil,
    _ attempt: @escaping () throws -> Value?
  ) {
    self.descriptor = descriptor
    self.gate = gate
    self.owner = owner
    self.what = what
    run = { slot in
      let result: Result<Value, any Error>
      do {
        guard let value = try attempt() else { return false }
        result = .success(value)
      } catch {
        result = .failure(error)
      }
      slot.assumingMemoryBound(to: Result<Value, any Error>.self).initialize(to: result)
      return true
    }
    super.init(
      slotSize: Performance.slotSize(for: Result<Value, any Error>.self), keepsAccount: true,
      collect: { source, performance, index in performance.addAttempt(source, index: index) },
      take: { _, performance, _ in
        try performance.slot.assumingMemoryBound(to: Result<Value, any Error>.self).move().get()
      })
  }

  override package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    switch attempt {
    case .poll:
      offer.pointee.argument = UInt(gate.epoch)
      offer.pointee.performer.pointee.wait.isAboutToWait = true
      defer { offer.pointee.performer.pointee.wait.isAboutToWait = false }
      return tryOnce(offer)
    // The performer does not wait.
    case .pollLate: return tryOnce(offer)
    case .enlist, .enlistAlone:
      do { try descriptor?.0.beginWait(offer.pointee.performer, descriptor!.1) } catch {
        guard offer.commits(attempt) else { return .lost }
        offer.pointee.slot.assumingMemoryBound(to: Result<Value, any Error>.self).initialize(to: .failure(error))
        offer.win()
        return .committed
      }
      let answer = gate.enlist(offer, attempt, since: UInt32(truncatingIfNeeded: offer.pointee.argument))
      if answer != .pending { descriptor?.0.endWait(offer.pointee.performer) }
      return answer
    }
  }

  private func tryOnce(_ offer: OfferRef) -> Answer {
    guard run(offer.pointee.slot) else { return .pending }
    offer.win()
    return .committed
  }

  override package func withdraw(_ offer: OfferRef) {
    gate.withdraw(offer)
    descriptor?.0.endWait(offer.pointee.performer)
  }

  override package var waitDescription: String { what.description }
  override package var descriptionKey: UInt? { WaitKind(what).word }
  override package func waker(of offer: OfferRef) -> Waker { descriptor.map { .descriptor($0.0.number) } ?? .unknown }
}
