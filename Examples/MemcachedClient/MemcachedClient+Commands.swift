import Nursery

/// What can be asked of the server; each as a call that waits, and as an operation.
extension MemcachedClient {
  /// How a value is stored.
  package enum Mode: String, Sendable {
    case set, add, replace, append, prepend
  }

  /// The value under a key; nil if there is none.
  package func get(_ key: String) throws -> Value? { try getOp(key).perform() }

  /// The operation that asks for the value under a key.
  package func getOp(_ key: String) -> Op<Value?> { valuesOp("get", [key]).wrap { $0.first } }

  /// The values under some keys, with the numbers that `compareAndSet` wants; those there are.
  package func get(_ keys: [String]) throws -> [Value] { try getOp(keys).perform() }

  /// The operation that asks for several values.
  package func getOp(_ keys: [String]) -> Op<[Value]> { valuesOp("gets", keys) }

  /// Stores a value, unless the mode has something against it: false then.
  @discardableResult
  package func set(
    _ key: String, _ data: [UInt8], _ mode: Mode = .set, flags: UInt32 = 0, expiry: Int = 0
  ) throws -> Bool {
    try setOp(key, data, mode, flags: flags, expiry: expiry).perform()
  }

  /// The operation that stores a value.
  ///
  /// - Parameter expiry: in seconds, 0 for never, as the protocol has it.
  package func setOp(
    _ key: String, _ data: [UInt8], _ mode: Mode = .set, flags: UInt32 = 0, expiry: Int = 0
  ) -> Op<Bool> {
    requestOp {
      Array("\(mode.rawValue) \(try checked(key)) \(flags) \(expiry) \(data.count)\r\n".utf8) + data + lineEnd
    }
    .wrap { try $0.isYes("STORED", "NOT_STORED") }
  }

  /// Stores a value if nobody has changed the item since it was got with this number; false if somebody has, or it has
  /// gone.
  package func compareAndSet(
    _ key: String, _ data: [UInt8], unique: UInt64, flags: UInt32 = 0, expiry: Int = 0
  ) throws -> Bool {
    try compareAndSetOp(key, data, unique: unique, flags: flags, expiry: expiry).perform()
  }

  /// The operation that stores a value if nobody has changed the item.
  package func compareAndSetOp(
    _ key: String, _ data: [UInt8], unique: UInt64, flags: UInt32 = 0, expiry: Int = 0
  ) -> Op<Bool> {
    requestOp {
      Array("cas \(try checked(key)) \(flags) \(expiry) \(data.count) \(unique)\r\n".utf8) + data + lineEnd
    }.wrap { try $0.isYes("STORED", "EXISTS", "NOT_FOUND") }
  }

  /// Adds to a number, down to zero if it is less; the result, nil if there is no number under the key.
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

  /// Gives an item another time to expire; false if there is none.
  @discardableResult
  package func touch(_ key: String, expiry: Int) throws -> Bool { try touchOp(key, expiry: expiry).perform() }

  /// The operation that gives an item another time to expire.
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

  /// The operation that asks for the server's statistics.
  package func statisticsOp() -> Op<[(name: String, value: String)]> {
    requestOp { Array("stats\r\n".utf8) }.wrap { $0.statistics }
  }

  /// The server's version.
  package func version() throws -> String { try versionOp().perform() }

  /// The operation that asks for the server's version.
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

/// A key that the protocol allows: anything else would be taken for something other than a key.
private func checked(_ key: String) throws -> String {
  guard 1...250 ~= key.utf8.count, key.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
    throw InvalidKeyError(key: key)
  }
  return key
}

/// A key with more than 250 bytes, or none, or with spaces or control characters.
package struct InvalidKeyError: Error, Hashable, CustomStringConvertible {
  package let key: String

  package var description: String {
    "'\(key)' is no key for memcached; use 1 to 250 bytes without spaces and control characters"
  }
}

extension Answer {
  /// Whether the line is `yes`; else it must be one of the others.
  func isYes(_ yes: String, _ others: String...) throws -> Bool {
    if line == yes { return true }
    guard others.contains(line) else { throw ProtocolError(line: line) }
    return false
  }
}
