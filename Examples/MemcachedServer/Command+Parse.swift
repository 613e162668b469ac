extension Command {
  /// Parses a line, without its end.
  init(_ line: Slice<UnsafeRawBufferPointer>) {
    var words = Words(line)
    do {
      self = try Self.parse(&words)
    } catch let mistake as Mistake {
      self = .mistake(mistake, data: nil)
    } catch {
      self = .mistake(.unknown, data: nil)
    }
  }

  private static func parse(_ words: inout Words) throws -> Command {
    guard let verb = words.next() else { throw Mistake.unknown }
    if verb == "get" || verb == "gets" {
      return .retrieve(try keys(&words), Retrieval(showsUnique: verb == "gets"))
    }
    if verb == "set" { return store(.set, words) }
    if verb == "add" { return store(.add, words) }
    if verb == "replace" { return store(.replace, words) }
    if verb == "append" { return store(.append, words) }
    if verb == "prepend" { return store(.prepend, words) }
    if verb == "cas" { return store(.compare(unique: 0), words) }
    if verb == "incr" { return try change(&words, isIncrement: true) }
    if verb == "decr" { return try change(&words, isIncrement: false) }
    if verb == "delete" { return try delete(&words) }
    if verb == "touch" {
      return .touch(try key(&words), expiry: try expiry(&words), isQuiet: try endOrNoReply(&words))
    }
    if verb == "gat" || verb == "gats" {
      let expiry = try expiry(&words)
      return .retrieve(try keys(&words), Retrieval(expiry: expiry, showsUnique: verb == "gats"))
    }
    return try parseAdministrative(verb, &words)
  }

  private static func parseAdministrative(_ verb: Words.Word, _ words: inout Words) throws -> Command {
    if verb == "flush_all" {
      let (rest, isQuiet) = try noReplyAtEnd(&words)
      guard let rest else { return .flushAll(delay: Expiry(seconds: 0), isQuiet: isQuiet) }
      guard let delay = Int(decimal: rest) else { throw Mistake.expiry }
      return .flushAll(delay: Expiry(seconds: delay), isQuiet: isQuiet)
    }
    if verb == "verbosity" {
      let (level, isQuiet) = try noReplyAtEnd(&words)
      guard level != nil || isQuiet else { throw Mistake.unknown }
      return .verbosity(isQuiet: isQuiet)
    }
    if verb == "stats" { return .stats(name: String(decoding: words.remainder, as: UTF8.self)) }
    guard words.isAtEnd else { throw Mistake.unknown }
    if verb == "version" { return .version }
    if verb == "quit" { return .quit }
    throw Mistake.unknown
  }

  // MARK: Commands with a value

  /// Parses the rest of a line that announces a value.
  ///
  /// If the line is wrong, the result has the length of the value nevertheless.
  private static func store(_ mode: StoreRequest.Mode, _ words: Words) -> Command {
    var rest = words
    do {
      var request = try storeRequest(mode, &rest)
      if case .compare = mode {
        guard let word = rest.next() else { throw Mistake.unknown }
        guard let unique = UInt64(decimal: word) else { throw Mistake.format }
        request.mode = .compare(unique: unique)
      }
      request.isQuiet = try endOrNoReply(&rest)
      return .store(request)
    } catch {
      var rest = words
      for _ in 0..<3 { _ = rest.next() }
      return .mistake(error as? Mistake ?? .unknown, data: rest.next().flatMap(count))
    }
  }

  private static func storeRequest(_ mode: StoreRequest.Mode, _ words: inout Words) throws -> StoreRequest {
    guard let name = words.next(), let flags = words.next(), let expiry = words.next(), let length = words.next() else {
      throw Mistake.unknown
    }
    guard name.count <= Key.longest, let flags = UInt32(decimal: flags), let seconds = Int(decimal: expiry) else {
      throw Mistake.format
    }
    guard let count = count(length) else { throw Mistake.data }
    return StoreRequest(
      mode: mode, key: Key(name), flags: flags, expiry: Expiry(seconds: seconds), count: count, isQuiet: false)
  }

  /// The length of a value; nil if it is no number or absurdly large.
  private static func count(_ word: Words.Word) -> Int? {
    Int(decimal: word).flatMap { 0..<Int(Int32.max) ~= $0 ? $0 : nil }
  }

  // MARK: Other commands

  private static func change(_ words: inout Words, isIncrement: Bool) throws -> Command {
    let key = try key(&words)
    guard let word = words.next() else { throw Mistake.unknown }
    guard let delta = UInt64(decimal: word) else { throw Mistake.delta }
    return .change(key, by: delta, isIncrement: isIncrement, isQuiet: try endOrNoReply(&words))
  }

  /// `delete k 0` dates from a time when a deletion could be delayed; any other number is refused.
  private static func delete(_ words: inout Words) throws -> Command {
    let key = try key(&words)
    let (time, isQuiet) = try noReplyAtEnd(&words)
    if let time, time != "0" { throw Mistake.delete }
    return .delete(key, isQuiet: isQuiet)
  }

  // MARK: Words

  private static func keys(_ words: inout Words) throws -> [Key] {
    let keys = try moreKeys(&words)
    if keys.isEmpty { throw Mistake.unknown }
    return keys
  }

  /// The keys up to the end of the line, or of the part that has come; there may be none.
  static func moreKeys(_ words: inout Words) throws -> [Key] {
    var keys: [Key] = []
    while !words.isAtEnd { keys.append(try key(&words)) }
    return keys
  }

  private static func key(_ words: inout Words) throws -> Key {
    guard let word = words.next() else { throw Mistake.unknown }
    guard word.count <= Key.longest else { throw Mistake.format }
    return Key(word)
  }

  private static func expiry(_ words: inout Words) throws -> Expiry {
    guard let word = words.next() else { throw Mistake.unknown }
    guard let seconds = Int(decimal: word) else { throw Mistake.expiry }
    return Expiry(seconds: seconds)
  }

  /// Whether the line ends with `noreply`, which must be its last word.
  private static func endOrNoReply(_ words: inout Words) throws -> Bool {
    guard let word = words.next() else { return false }
    guard word == "noreply", words.isAtEnd else { throw Mistake.unknown }
    return true
  }

  /// An optional word, and whether `noreply` follows.
  private static func noReplyAtEnd(_ words: inout Words) throws -> (Words.Word?, isQuiet: Bool) {
    guard let word = words.next() else { return (nil, false) }
    if word == "noreply", words.isAtEnd { return (nil, true) }
    return (word, try endOrNoReply(&words))
  }
}
