import Synchronization

// Fibers that wait for other fibers alone, or for objects that may be out of everyone else's reach.
extension SnapshotTaker {
  /// With more references to an object it is not asked whose they are.
  private static var mostHolders: Int { 16 }

  /// The object that the fiber waits for, if it holds one of few references to it.
  func ownObject(of offer: OfferRef) -> UInt? {
    guard let reach = offer.pointee.source._withUnsafeGuaranteedRef(\.reach) else { return nil }
    guard let references = reach.references, references <= Self.mostHolders else { return nil }
    return offer.pointee.performer.ownReferences(to: reach.object) > 0 ? reach.object : nil
  }

  /// Looks once more at the fibers that wait for others alone, or for what may be theirs alone.
  ///
  /// They were read one after the other, so a circle among them need not have existed; what has not changed by now was
  /// so all the time in between. References are counted only now: each fiber whose own count has waited since before.
  mutating func confirm() {
    var references: [UInt: FiberSnapshot.References] = [:]
    var start = 0
    while start < bound.count {
      let end = min(start + Self.batch, bound.count)
      let records = bound[start..<end].map { self.records[$0.index] }
      Self.looking.withLock { _ in
        FiberRef.look(at: records[...]) { fiber in
          // A partner lets its reference go after it has committed the fiber: if that count is read, so is the commit.
          let counted = referencesToObjects(of: fiber.offersLookedAt)
          atomicMemoryFence(ordering: .acquiring)
          if isSame(fiber, bound[start]) {
            for (object, new) in counted {
              let old = references[object] ?? .init(count: 0)
              references[object] = .init(
                count: max(old.count, new.count), ofWaiters: old.ofWaiters + new.ofWaiters)
            }
          }
          start += 1
        }
      }
    }
    bound = []
    // What fibers of several schedulers refer to was not counted at one time.
    snapshot.references.merge(references) { _, _ in .init(count: .max) }
  }

  /// Whether a fiber still waits as it was read; else anything may wake it.
  private mutating func isSame(_ fiber: FiberRef, _ read: (index: Int, epoch: UInt64)) -> Bool {
    let entry = snapshot.fibers[read.index]
    let waits = Int(entry.firstWait)..<Int(entry.firstWait + entry.waitCount)
    let offers = fiber.offersLookedAt
    if offers.count == waits.count, fiber.epoch == read.epoch {
      let now = self.waits(for: offers)
      let areSame = zip(waits, now).allSatisfy {
        snapshot.waits[$0].waker.performer == $1.waker.performer
          && snapshot.waits[$0].waker.object == $1.waker.object
      }
      if areSame { return true }
    }
    for wait in waits { snapshot.waits[wait].waker = .unknown }
    return false
  }

  /// What leads to the objects that a fiber waits for, which is looked at.
  private func referencesToObjects(
    of offers: UnsafeBufferPointer<Offer>
  ) -> [UInt: FiberSnapshot.References] {
    var references: [UInt: FiberSnapshot.References] = [:]
    for offer in offers {
      let reach = offer.source._withUnsafeGuaranteedRef(\.reach)
      guard let reach, references[reach.object] == nil else { continue }
      references[reach.object] = .init(
        count: reach.references ?? .max, ofWaiters: offer.performer.ownReferences(to: reach.object))
    }
    return references
  }
}
