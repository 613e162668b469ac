import Nursery

/// All items, within a limit on their memory: the least recently used items are removed to store new ones.
///
/// A table of the items and a list of them by last use. Not thread-safe by itself: the server keeps it in a `Locked`.
/// One lock is enough. It is held for a fraction of a microsecond, while the system calls of a request take several. So
/// even many workers rarely contend for it. And limit, order and statistics apply to the whole cache, which shards
/// could not offer. A fiber that owned the cache would cost two switches a request, and would allow no more
/// parallelism.
package struct Cache {
  /// The memory limit for the items, in bytes.
  let memoryLimit: Int
  /// The largest value, in bytes.
  ///
  /// A value that would not fit into an empty cache is also too large.
  let valueLimit: Int

  var statistics = Statistics()
  private(set) var memory = 0
  private var items: [Key: Item] = [:]
  private unowned(unsafe) var oldest: Item?
  private unowned(unsafe) var newest: Item?
  private var lastUnique: UInt64 = 0
  /// The time of a pending flush, which removes everything that was stored before.
  private var flushTime: FiberClock.Instant?

  package init(memoryLimit: Int, valueLimit: Int) {
    self.memoryLimit = memoryLimit
    self.valueLimit = min(valueLimit, memoryLimit - Item.largestOverhead)
  }

  package var count: Int { items.count }

  /// The item under a key, if it has not expired; it becomes the most recently used.
  mutating func find(_ key: Key, _ now: FiberClock.Instant) -> Item? {
    flushIfDue(now)
    guard let item = items[key] else { return nil }
    guard !item.hasExpired(at: now) else {
      remove(item)
      return nil
    }
    unlink(item)
    link(item)
    return item
  }

  /// Stores a new item under a key, in place of an old one; returns false if it is too large.
  mutating func put(_ key: Key, flags: UInt32, data: [UInt8], deadline: FiberClock.Instant?) -> Bool {
    lastUnique += 1
    let item = Item(key, flags: flags, unique: lastUnique, data: data, deadline: deadline)
    if let old = items[key] { remove(old) }
    guard data.count - 2 <= valueLimit else { return false }
    while memory + item.size > memoryLimit, let oldest {
      remove(oldest)
      statistics.evictions += 1
    }
    items[key] = item
    memory += item.size
    link(item)
    return true
  }

  mutating func remove(_ item: Item) {
    unlink(item)
    memory -= item.size
    items[item.key] = nil
  }

  /// Removes everything that was stored before an instant, when that instant has come; nil for now.
  ///
  /// No timer is needed: the next access to the cache finds that the flush is due, before anything else is stored.
  mutating func flush(at time: FiberClock.Instant?, _ now: FiberClock.Instant) {
    flushTime = time ?? now
    flushIfDue(now)
  }

  mutating func flushIfDue(_ now: FiberClock.Instant) {
    guard let flushTime, flushTime <= now else { return }
    self.flushTime = nil
    items = [:]
    memory = 0
    oldest = nil
    newest = nil
  }

  // MARK: The order of use

  private mutating func link(_ item: Item) {
    item.older = newest
    item.newer = nil
    newest?.newer = item
    newest = item
    if oldest == nil { oldest = item }
  }

  private mutating func unlink(_ item: Item) {
    if let older = item.older { older.newer = item.newer } else { oldest = item.newer }
    if let newer = item.newer { newer.older = item.older } else { newest = item.older }
  }
}
