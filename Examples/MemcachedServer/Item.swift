import Nursery

/// A value under a key.
///
/// Who has got hold of an item may read what never changes, for as long as it takes: a client that reads slowly keeps
/// its item alive and nothing locked. An item is replaced, not changed. The rest belongs to the cache, under its lock.
final class Item: @unchecked Sendable {
  let key: Key
  let flags: UInt32
  /// Another number for every change of any item: what `cas` compares.
  let unique: UInt64
  /// The value, and the line's end that follows it on the wire.
  let data: [UInt8]

  // MARK: The cache's

  /// From then on the item is as good as gone; nil for never.
  var deadline: FiberClock.Instant?
  /// Its neighbours by last use.
  ///
  /// The cache's table owns all items, so nothing is counted here.
  unowned(unsafe) var older: Item?
  unowned(unsafe) var newer: Item?

  init(_ key: Key, flags: UInt32, unique: UInt64, data: [UInt8], deadline: FiberClock.Instant?) {
    self.key = key
    self.flags = flags
    self.unique = unique
    self.data = data
    self.deadline = deadline
  }

  /// The value without the line's end.
  var value: ArraySlice<UInt8> { data.dropLast(2) }

  /// What it counts against the memory limit: the bytes, and roughly what the objects, the table and the allocator add.
  var size: Int { key.bytes.count + data.count + Self.overhead }

  private static let overhead = 200
  /// What an item may take beside its value.
  static let largestOverhead = Key.longest + 2 + overhead

  func hasExpired(at now: FiberClock.Instant) -> Bool { deadline.map { $0 <= now } ?? false }
}
