import Nursery

/// One client's session: reads its commands and answers them in order.
///
/// Answers are collected while there are more commands to read, and sent before a wait. So a client may send one
/// command at a time or a thousand in one packet.
struct Session {
  /// How much of a command's line is kept; a longer line that gets items is answered while it comes.
  static let lineLimit = 65_536

  let server: Server
  let reader: BufferedReader
  let writer: BufferedWriter
  private var header: [UInt8] = []
  /// Waits for input; its value is false if there will be none.
  ///
  /// Made once.
  private let hasMore: Op<Bool>

  init(_ server: Server, _ input: any ReadableStream, _ output: any WritableStream) {
    self.server = server
    let reader = BufferedReader(input)
    self.reader = reader
    writer = BufferedWriter(output)
    let more = reader.parseOp(limit: .max) { bytes, isAtEnd -> (Bool, Int)? in
      bytes.isEmpty && !isAtEnd ? nil : (!bytes.isEmpty, 0)
    }
    // Commands that came before the drain are answered, because the client could not know of the drain.
    hasMore = .biased([more, drainingOp().wrap { false }])
  }

  /// Answers until the client says `quit`, its input ends, or an enclosing nursery drains and no command is being
  /// answered.
  ///
  /// - Throws: the streams' errors; `UnexpectedEndError` if the input ends within a value.
  mutating func run() throws {
    while let command = try next() {
      if case .quit = command { break }
      try answer(command)
    }
    try flush()
  }

  /// Sends the answers that have been collected.
  private func flush() throws {
    if writer.bufferedCount > 0 { try writer.flush() }
  }

  // MARK: Reading

  /// The next command; nil at the end.
  ///
  /// An incomplete line at the end is not a command.
  private func next() throws -> Command? {
    if writer.bufferedCount > 0, try !hasLine() { try flush() }
    if reader.bufferedCount == 0, try !hasMore.perform() { return nil }
    do {
      return try reader.parse(limit: Self.lineLimit) { bytes, isAtEnd -> (Command?, Int)? in
        guard let line = Self.line(bytes) else { return isAtEnd ? (nil, 0) : nil }
        return (Command(line.words), line.count)
      }
    } catch is InputTooLongError {
      return try beginLongLine()
    }
  }

  /// Reads the first keys of a line that is longer than the limit; skips a line that gets no items.
  private func beginLongLine() throws -> Command {
    do {
      return try nextPiece { words, isLast in
        guard !isLast, case .retrieve(let keys, let retrieval) = Command(words) else { throw Mistake.lineTooLong }
        return .beginToRetrieve(keys, retrieval)
      }
    } catch is Mistake {
      try skipLine()
      return .mistake(.lineTooLong, data: nil)
    }
  }

  /// Reads the words of a line that have come; `isLast` if the line ends after them.
  ///
  /// - Throws: `Mistake` for a word that is too long for a key; `UnexpectedEndError` if the input ends before the line.
  private func nextPiece<Value>(
    _ body: (_ words: Slice<UnsafeRawBufferPointer>, _ isLast: Bool) throws -> Value
  ) throws -> Value {
    try reader.parse(limit: .max) { bytes, _ -> (Value, Int)? in
      if let line = Self.line(bytes) { return (try body(line.words, true), line.count) }
      // The word after the last space may be incomplete.
      if let end = bytes.lastIndex(of: UInt8(ascii: " ")) { return (try body(bytes[..<end], false), end + 1) }
      if bytes.count > Key.longest + 1 { throw Mistake.format }
      return nil
    }
  }

  /// The first line, without its end, and its length with the end; nil if the end has not come.
  private static func line(_ bytes: UnsafeRawBufferPointer) -> (words: Slice<UnsafeRawBufferPointer>, count: Int)? {
    guard let end = bytes.firstIndex(of: lineFeed) else { return nil }
    let hasReturn = end > 0 && bytes[end - 1] == carriageReturn
    return (bytes[..<(hasReturn ? end - 1 : end)], end + 1)
  }

  /// Whether a line has come, or the end; does not wait for one.
  private func hasLine() throws -> Bool {
    guard reader.bufferedCount > 0 else { return false }
    return try reader.parse(limit: .max) { bytes, _ -> (Bool, Int)? in (bytes.contains(Self.lineFeed), 0) }
  }

  /// Skips the rest of a line of any length.
  private func skipLine() throws {
    var isDone = false
    while !isDone {
      isDone = try reader.parse(limit: .max) { bytes, isAtEnd -> (Bool, Int)? in
        if let end = bytes.firstIndex(of: Self.lineFeed) { return (true, end + 1) }
        return isAtEnd ? (true, bytes.count) : bytes.isEmpty ? nil : (false, bytes.count)
      }
    }
  }

  /// The value that follows a line, with its line end; nil if no line end follows the value.
  ///
  /// Then the rest of the line is not a command and is skipped.
  private func readData(_ count: Int) throws -> [UInt8]? {
    // A client may want its answers before it sends the value.
    if reader.bufferedCount < count + 2 { try flush() }
    let data = try [UInt8](unsafeUninitializedCapacity: count + 2) { buffer, initialized in
      try reader.readExactly(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count + 2))
      initialized = count + 2
    }
    if data[count] == Self.carriageReturn, data[count + 1] == Self.lineFeed { return data }
    if data[count + 1] != Self.lineFeed {
      if try !hasLine() { try flush() }
      try skipLine()
    }
    return nil
  }

  private static var lineFeed: UInt8 { 10 }
  private static var carriageReturn: UInt8 { 13 }

  // MARK: Answering

  private mutating func answer(_ command: Command) throws {
    let cache = server.cache
    let now = FiberClock.now
    switch command {
    case .retrieve(let keys, let retrieval):
      try write(keys, retrieval, now)
      try writer.write("END\r\n")
    case .beginToRetrieve(let keys, let retrieval):
      try write(keys, retrieval, now)
      try retrieveMore(retrieval)
    case .store(let request): try store(request)
    case .change(let key, let delta, let isIncrement, let isQuiet):
      switch cache.withLock({ $0.change(key, by: delta, isIncrement: isIncrement, now) }) {
      case .value(let value): try say("\(value)\r\n", unless: isQuiet)
      case .notFound: try say("NOT_FOUND\r\n", unless: isQuiet)
      case .notANumber: try say(Mistake.notANumber.rawValue)
      }
    case .touch(let key, let expiry, let isQuiet):
      let deadline = server.clock.deadline(expiry, now)
      let isFound = cache.withLock { $0.touch(key, deadline, now) }
      try say(isFound ? "TOUCHED\r\n" : "NOT_FOUND\r\n", unless: isQuiet)
    case .delete(let key, let isQuiet):
      let isFound = cache.withLock { $0.delete(key, now) }
      try say(isFound ? "DELETED\r\n" : "NOT_FOUND\r\n", unless: isQuiet)
    case .flushAll(let delay, let isQuiet):
      let time = server.clock.deadline(delay, now)
      cache.withLock {
        $0.flush(at: time, now)
        $0.statistics.flushes += 1
      }
      try say("OK\r\n", unless: isQuiet)
    case .stats(let name): try say(server.report(name))
    case .verbosity(let isQuiet): try say("OK\r\n", unless: isQuiet)
    case .version: try say("VERSION \(Server.version)\r\n")
    case .quit: break
    case .mistake(let mistake, let data):
      if let data { reader.skip(data + 2) }
      try say(mistake.rawValue)
    }
  }

  private func store(_ request: StoreRequest) throws {
    let cache = server.cache
    guard request.count <= server.valueLimit else {
      reader.skip(request.count + 2)
      cache.withLock { $0.refuse(request, FiberClock.now) }
      return try say(Mistake.tooLarge.rawValue)
    }
    guard let data = try readData(request.count) else { return try say(Mistake.data.rawValue) }
    let now = FiberClock.now
    let deadline = server.clock.deadline(request.expiry, now)
    let stored = cache.withLock { $0.store(request, data, deadline, now) }
    try say(stored.rawValue, unless: request.isQuiet && stored != .tooLarge)
  }

  /// Answers the rest of a line as it comes, so that the memory for it does not grow with the line.
  ///
  /// The client must read while it sends such a line. If there is a mistake after items have been sent, it is sent in
  /// place of `END`.
  private mutating func retrieveMore(_ retrieval: Retrieval) throws {
    var isLast = false
    do {
      while !isLast {
        try flush()
        let keys: [Key]
        (keys, isLast) = try nextPiece { words, isLast in
          var words = Words(words)
          return (try Command.moreKeys(&words), isLast)
        }
        try write(keys, retrieval, FiberClock.now)
      }
      try writer.write("END\r\n")
    } catch let mistake as Mistake {
      try skipLine()
      try say(mistake.rawValue)
    }
  }

  private func say(_ line: String, unless isQuiet: Bool = false) throws {
    if !isQuiet { try writer.write(line) }
  }

  private mutating func write(_ keys: [Key], _ retrieval: Retrieval, _ now: FiberClock.Instant) throws {
    let deadline = retrieval.expiry.flatMap { server.clock.deadline($0, now) }
    for key in keys {
      let item = server.cache.withLock {
        retrieval.expiry == nil ? $0.get(key, now) : $0.getAndTouch(key, deadline, now)
      }
      if let item { try write(item, retrieval.showsUnique) }
    }
  }

  private mutating func write(_ item: Item, _ showsUnique: Bool) throws {
    header.removeAll(keepingCapacity: true)
    header += "VALUE ".utf8
    header += item.key.bytes
    header.append(UInt8(ascii: " "))
    header.append(decimal: item.flags)
    header.append(UInt8(ascii: " "))
    header.append(decimal: UInt(item.value.count))
    if showsUnique {
      header.append(UInt8(ascii: " "))
      header.append(decimal: item.unique)
    }
    header += "\r\n".utf8
    try writer.write(header)
    try writer.write(item.data)
  }
}
