import Nursery

/// All items, within a limit on their memory: what has not been used for the longest time makes room for what is new.
///
/// A table of the items and a list of them by last use. Not safe by itself: the server keeps it in a `Locked`. One lock
/// is enough. It is held for a fraction of a microsecond, while the system calls of a request take several, so even
/// many workers hardly ever meet at it; and limit, order and statistics are those of the whole, which shards would not
/// have. A fiber that owned the cache would cost two switches a request, and would not let two workers do anything more
/// at the same time.
package struct Cache {
  /// How many bytes the items may take.
  let memoryLimit: Int
  /// How many bytes a value may have: what has no room, however little else there is, is too large at once.
  let valueLimit: Int

  var statistics = Statistics()
  private(set) var memory = 0
  private var items: [Key: Item] = [:]
  private unowned(unsafe) var oldest: Item?
  private unowned(unsafe) var newest: Item?
  private var lastUnique: UInt64 = 0
  /// When everything that is stored before is to go.
  private var flushTime: FiberClock.Instant?

  package init(memoryLimit: Int, valueLimit: Int) {
    self.memoryLimit = memoryLimit
    self.valueLimit = min(valueLimit, memoryLimit - Item.largestOverhead)
  }

  package var count: Int { items.count }

  /// The item under a key, if it has not expired; it is the newest now.
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

  /// Puts a new item under a key, in place of what is there; false if it is too large.
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

  /// Forgets what has been stored before an instant, as soon as that has come; nil for now.
  ///
  /// Nothing needs to be woken then: whoever touches the cache next finds that it is due, before anything else can be
  /// stored.
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
