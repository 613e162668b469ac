/// What could commit a parked branch, as far as its source knows; for dumps.
package enum Waker: Sendable {
  /// Any fiber or thread that has the object: the other side of a channel, or what signals a condition.
  case unknown
  /// Nothing ever.
  case nothing
  /// The clock, at this instant of the performer's clock.
  case clock(Int64)
  /// The end of a fiber.
  case end(PerformerID)
  /// The holder of a lock, which took it there.
  case holder(PerformerID, SourceSite)
  /// The kernel, when this descriptor is ready.
  case descriptor(Int32)
  /// A thread, when the call that it makes returns.
  case call
  /// Any fiber or thread with a reference to the object at this address, of which the waiting fiber has one; see
  /// `FiberSnapshot.references`.
  case reference(UInt)

  /// The object that must be referred to, if that is known.
  var object: UInt? { if case .reference(let object) = self { object } else { nil } }

  /// The fiber or thread, if it is one.
  var performer: PerformerID? {
    switch self {
    case .end(let performer), .holder(let performer, _): performer
    default: nil
    }
  }
}

/// A fiber or plain thread: the address of its record, and its number, which tells it from a later one with the same
/// record.
package struct PerformerID: Sendable, Hashable {
  package let record: UInt
  package let number: UInt64

  package init(record: UInt, number: UInt64) {
    self.record = record
    self.number = number
  }

  package init(_ performer: FiberRef) {
    record = UInt(bitPattern: performer)
    number = performer.id
  }
}
