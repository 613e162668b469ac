import Synchronization

/// The performer that holds a lock, and the line where it took it.
///
/// Only the owner changes it, and any performer may ask whether it is the owner itself. The rest is for reports, which
/// are made while the owner waits.
final class LockOwner: @unchecked Sendable {
  /// Zero while the lock changes hands.
  private let performer = Atomic<UInt>(0)
  /// Stored before `performer`.
  private let id = Atomic<UInt64>(0)
  @exclusivity(unchecked) private(set) var site = SourceSite()

  func set(_ key: PerformerKey, _ site: SourceSite) {
    id.store(key.id, ordering: .relaxed)
    self.site = site
    performer.store(key.performer, ordering: .releasing)
  }

  func clear() { performer.store(0, ordering: .releasing) }

  func isPerformer(_ key: PerformerKey) -> Bool {
    performer.load(ordering: .acquiring) == key.performer && id.load(ordering: .relaxed) == key.id
  }

  var isCaller: Bool { isPerformer(.caller) }

  /// ", held by fiber "cook" since Kitchen.swift:12"; empty while the lock changes hands.
  var description: String {
    let performer = performer.load(ordering: .acquiring)
    if performer == 0 { return "" }
    return ", held by \(PerformerKey(performer: performer, id: id.load(ordering: .relaxed)).label) since \(site)"
  }
}
