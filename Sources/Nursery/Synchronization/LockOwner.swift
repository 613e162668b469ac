import Synchronization

/// The performer that holds a lock, and the line where it took it.
///
/// Only the owner changes it, and any performer may ask whether it is the owner itself. The rest is for reports, which
/// are made while the owner waits.
final class LockOwner: @unchecked Sendable {
  private let record = Atomic<FiberRef?>(nil)
  /// Tells the owner from a later fiber or thread with the same record.
  @exclusivity(unchecked) private var id: UInt64 = 0
  @exclusivity(unchecked) private(set) var site = SourceSite()

  func set(_ performer: FiberRef, _ site: SourceSite) {
    id = performer.id
    self.site = site
    record.store(performer, ordering: .releasing)
  }

  func clear() { record.store(nil, ordering: .releasing) }

  func isPerformer(_ performer: FiberRef) -> Bool {
    record.load(ordering: .relaxed) == performer && id == performer.id
  }

  var isCaller: Bool { isPerformer(Performer.current()) }

  /// ", held by fiber "cook" since Kitchen.swift:12"; empty while the lock changes hands.
  var description: String {
    guard let owner = record.load(ordering: .acquiring) else { return "" }
    return owner.id == id ? ", held by \(owner.label) since \(site)" : ", held since \(site) by a fiber that has ended"
  }
}
