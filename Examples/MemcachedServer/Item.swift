import Nursery

/// A value under a key.
///
/// A session that holds an item may read its constant fields for any time: a client that reads slowly keeps its item
/// alive and holds no lock. An item is replaced, not changed. The other fields belong to the cache, under its lock.
final class Item: @unchecked Sendable {
  let key: Key
  let flags: UInt32
  /// The number that `cas` compares; each change of any item has a new one.
  let unique: UInt64
  /// The value and the line end that follows it in the protocol.
  let data: [UInt8]

  // MARK: For the cache only

  /// The time at which the item expires; nil for never.
  var deadline: FiberClock.Instant?
  /// Its neighbours by last use.
  ///
  /// The cache's table owns all items, so these references are not counted.
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

  /// Its size for the memory limit: the bytes, and roughly the overhead of the objects, the table and the allocator.
  var size: Int { key.bytes.count + data.count + Self.overhead }

  private static let overhead = 200
  /// The largest overhead of an item in addition to its value.
  static let largestOverhead = Key.longest + 2 + overhead

  func hasExpired(at now: FiberClock.Instant) -> Bool { deadline.map { $0 <= now } ?? false }
}
