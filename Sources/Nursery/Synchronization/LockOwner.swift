import Synchronization

/// The performer that holds a lock, and the line where it took it.
///
/// Only the owner changes it, and any performer may ask whether it is the owner itself. A dump reads it at any time:
/// each word is right by itself, and a dump that finds the owner changed meanwhile says nothing. The description is for
/// reports, which are made while the owner waits.
final class LockOwner: @unchecked Sendable {
  /// Zero while the lock changes hands.
  private let performer = Atomic<UInt>(0)
  /// Stored before `performer`.
  private let id = Atomic<UInt64>(0)
  private let siteWord = Atomic<UInt64>(0)

  func set(_ key: PerformerKey, _ site: SourceSite) {
    id.store(key.id, ordering: .relaxed)
    siteWord.store(site.word, ordering: .relaxed)
    performer.store(key.performer, ordering: .releasing)
  }

  func clear() { performer.store(0, ordering: .releasing) }

  /// Where the owner took the lock.
  var site: SourceSite { SourceSite(word: siteWord.load(ordering: .relaxed)) }

  func isPerformer(_ key: PerformerKey) -> Bool {
    performer.load(ordering: .acquiring) == key.performer && id.load(ordering: .relaxed) == key.id
  }

  var isCaller: Bool { isPerformer(.caller) }

  /// For dumps: the owner; unknown while the lock changes hands.
  var waker: Waker {
    let owner = performer.load(ordering: .acquiring)
    let (number, site) = (id.load(ordering: .acquiring), self.site)
    let isStill = performer.load(ordering: .acquiring) == owner && id.load(ordering: .relaxed) == number
    return owner == 0 || !isStill ? .unknown : .holder(PerformerID(record: owner, number: number), site)
  }

  /// ", held by fiber "cook" since Kitchen.swift:12"; empty while the lock changes hands.
  var description: String {
    let performer = performer.load(ordering: .acquiring)
    if performer == 0 { return "" }
    return ", held by \(PerformerKey(performer: performer, id: id.load(ordering: .relaxed)).label) since \(site)"
  }
}
