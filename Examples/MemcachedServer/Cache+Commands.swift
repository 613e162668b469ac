import Nursery

/// The effects of the commands on the items and the statistics.
extension Cache {
  mutating func get(_ key: Key, _ now: FiberClock.Instant) -> Item? {
    let item = find(key, now)
    statistics.gets += 1
    statistics.getHits += item == nil ? 0 : 1
    return item
  }

  mutating func getAndTouch(_ key: Key, _ deadline: FiberClock.Instant?, _ now: FiberClock.Instant) -> Item? {
    let item = get(key, now)
    statistics.touches += 1
    statistics.touchHits += item == nil ? 0 : 1
    item?.deadline = deadline
    return item
  }

  mutating func touch(_ key: Key, _ deadline: FiberClock.Instant?, _ now: FiberClock.Instant) -> Bool {
    let item = find(key, now)
    statistics.touches += 1
    statistics.touchHits += item == nil ? 0 : 1
    item?.deadline = deadline
    return item != nil
  }

  mutating func delete(_ key: Key, _ now: FiberClock.Instant) -> Bool {
    guard let item = find(key, now) else {
      statistics.deleteMisses += 1
      return false
    }
    statistics.deleteHits += 1
    remove(item)
    return true
  }

  // MARK: Storing

  enum Stored: String {
    case stored = "STORED\r\n"
    case notStored = "NOT_STORED\r\n"
    case exists = "EXISTS\r\n"
    case notFound = "NOT_FOUND\r\n"
    case tooLarge = "SERVER_ERROR object too large for cache\r\n"
  }

  /// Stores a value if the request's condition holds.
  ///
  /// - Parameter data: the value and the line's end.
  mutating func store(
    _ request: StoreRequest, _ data: [UInt8], _ deadline: FiberClock.Instant?, _ now: FiberClock.Instant
  ) -> Stored {
    statistics.sets += 1
    let old = find(request.key, now)
    switch (request.mode, old) {
    case (.set, _), (.add, nil), (.replace, _?): break
    case (.add, _?), (.replace, nil), (.append, nil), (.prepend, nil): return .notStored
    case (.append, let old?): return join(old, old.value + data)
    case (.prepend, let old?): return join(old, data.dropLast(2) + old.data)
    case (.compare, nil):
      statistics.compareMisses += 1
      return .notFound
    case (.compare(let unique), let old?):
      guard unique == old.unique else {
        statistics.compareLosses += 1
        return .exists
      }
      statistics.compareHits += 1
    }
    return put(request.key, flags: request.flags, data: data, deadline: deadline) ? .stored : .tooLarge
  }

  /// Handles a value that is too large and is not read: a `set` nevertheless removes the old item, which is out of
  /// date.
  mutating func refuse(_ request: StoreRequest, _ now: FiberClock.Instant) {
    statistics.sets += 1
    if case .set = request.mode, let old = find(request.key, now) { remove(old) }
  }

  /// Stores a longer value with the flags and the deadline of the old one.
  ///
  /// If it is too large, the old one stays.
  private mutating func join(_ old: Item, _ data: ArraySlice<UInt8>) -> Stored {
    guard data.count - 2 <= valueLimit else { return .tooLarge }
    return put(old.key, flags: old.flags, data: Array(data), deadline: old.deadline) ? .stored : .tooLarge
  }

  // MARK: Counting

  enum Changed {
    case value(UInt64)
    case notFound
    case notANumber
  }

  /// Adds to a number, modulo 2^64, or subtracts from it, but not below zero.
  ///
  /// A value never gets shorter: as in memcached, spaces follow the number.
  mutating func change(_ key: Key, by delta: UInt64, isIncrement: Bool, _ now: FiberClock.Instant) -> Changed {
    guard let old = find(key, now) else {
      statistics.countChange(isIncrement, isHit: false)
      return .notFound
    }
    let digits = old.value.prefix { $0 != UInt8(ascii: " ") }
    guard digits.count <= 20, old.value[digits.endIndex...].allSatisfy({ $0 == UInt8(ascii: " ") }),
      let number = UInt64(decimal: digits)
    else { return .notANumber }
    let result = isIncrement ? number &+ delta : number - min(number, delta)
    var data: [UInt8] = []
    data.append(decimal: result)
    data += repeatElement(UInt8(ascii: " "), count: max(0, old.value.count - data.count))
    data += "\r\n".utf8
    guard put(key, flags: old.flags, data: data, deadline: old.deadline) else { return .notFound }
    statistics.countChange(isIncrement, isHit: true)
    return .value(result)
  }
}
