/// Which fiber or thread holds something; no later one has the same key.
struct PerformerKey: Hashable, @unchecked Sendable {
  private let record: FiberRef
  private let id: UInt64

  init(_ performer: FiberRef) {
    record = performer
    id = performer.id
  }

  var isCaller: Bool { self == PerformerKey(Performer.current()) }

  /// "fiber "cook"".
  var label: String { record.id == id ? record.label : "a fiber that has ended" }
}
