/// An operation that is never ready, and calls `action` when it is to leave its offer; for tests of what happens at
/// that moment.
///
/// The branches before it in the choice stand by then, those behind it do not. The action is in the middle of a
/// perform, so it must not begin another on the same fiber; it is given a function that commits the perform with a
/// value.
package final class EnlistingProbe<Value>: ValueSource<Value>, @unchecked Sendable {
  private let action: ((Value) -> Bool) -> Void

  package init(_ action: @escaping (_ commit: (Value) -> Bool) -> Void) {
    self.action = action
    super.init(
      slotSize: Performance.slotSize(for: Value.self),
      collect: { source, performance, index in performance.add(source, index: index) },
      take: { _, performance, _ in performance.slot.assumingMemoryBound(to: Value.self).move() })
  }

  override package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    guard attempt.enlists else { return .pending }
    let performer = offer.pointee.performer
    if attempt == .enlistAlone { performer.startWaiting() }
    action { value in
      guard performer.commit() else { return false }
      offer.pointee.slot.assumingMemoryBound(to: Value.self).initialize(to: value)
      offer.win()
      performer.makeReady()
      return true
    }
    fullFence()
    return .pending
  }

  override package var waitDescription: String { "a test" }
}
