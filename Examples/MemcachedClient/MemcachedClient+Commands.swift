import Nursery

/// The commands, each as a call that waits, and as an operation.
extension MemcachedClient {
  /// The condition under which a value is stored.
  package enum Mode: String, Sendable {
    case set, add, replace, append, prepend
  }

  /// The value under a key; nil if there is none.
  package func get(_ key: String) throws -> Value? { try getOp(key).perform() }

  /// The operation that gets the value under a key.
  package func getOp(_ key: String) -> Op<Value?> { valuesOp("get", [key]).wrap { $0.first } }

  /// The values that exist under some keys, with the numbers for `compareAndSet`.
  package func get(_ keys: [String]) throws -> [Value] { try getOp(keys).perform() }

  /// The operation that gets several values.
  package func getOp(_ keys: [String]) -> Op<[Value]> { valuesOp("gets", keys) }

  /// Stores a value; returns false if the mode's condition does not hold.
  @discardableResult
  package func set(
    _ key: String, _ data: [UInt8], _ mode: Mode = .set, flags: UInt32 = 0, expiry: Int = 0
  ) throws -> Bool {
    try setOp(key, data, mode, flags: flags, expiry: expiry).perform()
  }

  /// The operation that stores a value.
  ///
  /// - Parameter expiry: in the protocol's form: seconds, 0 for never.
  package func setOp(
    _ key: String, _ data: [UInt8], _ mode: Mode = .set, flags: UInt32 = 0, expiry: Int = 0
  ) -> Op<Bool> {
    requestOp {
      Array("\(mode.rawValue) \(try checked(key)) \(flags) \(expiry) \(data.count)\r\n".utf8) + data + lineEnd
    }
    .wrap { try $0.isYes("STORED", "NOT_STORED") }
  }

  /// Stores a value if the item still has this number; returns false if it has been changed or removed.
  package func compareAndSet(
    _ key: String, _ data: [UInt8], unique: UInt64, flags: UInt32 = 0, expiry: Int = 0
  ) throws -> Bool {
    try compareAndSetOp(key, data, unique: unique, flags: flags, expiry: expiry).perform()
  }

  /// The operation that stores a value if the item has not been changed.
  package func compareAndSetOp(
    _ key: String, _ data: [UInt8], unique: UInt64, flags: UInt32 = 0, expiry: Int = 0
  ) -> Op<Bool> {
    requestOp {
      Array("cas \(try checked(key)) \(flags) \(expiry) \(data.count) \(unique)\r\n".utf8) + data + lineEnd
    }.wrap { try $0.isYes("STORED", "EXISTS", "NOT_FOUND") }
  }

  /// Adds to a number, but does not go below zero.
  ///
  /// Returns the result, or nil if there is no item under the key.
  package func add(_ delta: Int64, to key: String) throws -> UInt64? { try addOp(delta, to: key).perform() }

  /// The operation that adds to a number.
  package func addOp(_ delta: Int64, to key: String) -> Op<UInt64?> {
    requestOp { Array("\(delta < 0 ? "decr" : "incr") \(try checked(key)) \(delta.magnitude)\r\n".utf8) }
      .wrap { answer in
        if let value = UInt64(answer.line) { return value }
        _ = try answer.isYes("", "NOT_FOUND")
        return nil
      }
  }

  /// Deletes an item; false if there is none.
  @discardableResult
  package func delete(_ key: String) throws -> Bool { try deleteOp(key).perform() }

  /// The operation that deletes an item.
  package func deleteOp(_ key: String) -> Op<Bool> {
    requestOp { Array("delete \(try checked(key))\r\n".utf8) }.wrap { try $0.isYes("DELETED", "NOT_FOUND") }
  }

  /// Changes an item's time of expiry; returns false if there is none.
  @discardableResult
  package func touch(_ key: String, expiry: Int) throws -> Bool { try touchOp(key, expiry: expiry).perform() }

  /// The operation that changes an item's time of expiry.
  package func touchOp(_ key: String, expiry: Int) -> Op<Bool> {
    requestOp { Array("touch \(try checked(key)) \(expiry)\r\n".utf8) }.wrap { try $0.isYes("TOUCHED", "NOT_FOUND") }
  }

  /// Deletes everything.
  package func flushAll() throws { try flushAllOp().perform() }

  /// The operation that deletes everything.
  package func flushAllOp() -> Op<Void> {
    requestOp { Array("flush_all\r\n".utf8) }.wrap { _ = try $0.isYes("OK") }
  }

  /// The server's statistics.
  package func statistics() throws -> [(name: String, value: String)] { try statisticsOp().perform() }

  /// The operation that gets the server's statistics.
  package func statisticsOp() -> Op<[(name: String, value: String)]> {
    requestOp { Array("stats\r\n".utf8) }.wrap { $0.statistics }
  }

  /// The server's version.
  package func version() throws -> String { try versionOp().perform() }

  /// The operation that gets the server's version.
  package func versionOp() -> Op<String> {
    requestOp { Array("version\r\n".utf8) }.wrap { String($0.line.dropFirst("VERSION ".count)) }
  }

  private func valuesOp(_ verb: String, _ keys: [String]) -> Op<[Value]> {
    requestOp { Array("\(verb) \(try keys.map(checked).joined(separator: " "))\r\n".utf8) }
      .wrap { answer in
        _ = try answer.isYes("END")
        return answer.values
      }
  }
}

private let lineEnd: [UInt8] = [13, 10]

/// Checks that the protocol allows the key; the server would misread any other.
private func checked(_ key: String) throws -> String {
  guard 1...250 ~= key.utf8.count, key.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
    throw InvalidKeyError(key: key)
  }
  return key
}

/// The key is empty, has more than 250 bytes, or has spaces or control characters.
package struct InvalidKeyError: Error, Hashable, CustomStringConvertible {
  package let key: String

  package var description: String {
    "'\(key)' is no key for memcached; use 1 to 250 bytes without spaces and control characters"
  }
}

extension Answer {
  /// Returns whether the line is `yes`; throws if it is neither `yes` nor one of the others.
  func isYes(_ yes: String, _ others: String...) throws -> Bool {
    if line == yes { return true }
    guard others.contains(line) else { throw ProtocolError(line: line) }
    return false
  }
}
