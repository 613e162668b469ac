import Nursery

/// Reads one client's lines, and does what they ask for.
struct Session {
  let room: Room
  let lineLimit: Int
  let reader: BufferedReader
  /// What only this client is told; sending waits while the client does not read, and so no more is read from it.
  let replies: Channel<String>
  private(set) var name: Nickname

  init(_ room: Room, _ options: ChatOptions, _ input: any ReadableStream, _ replies: Channel<String>) throws {
    self.room = room
    lineLimit = options.lineLimit
    reader = BufferedReader(input, capacity: 1024)
    self.replies = replies
    name = try room.enter()
  }

  /// Returns when the client says `/quit`, or its input ends.
  ///
  /// - Throws: the stream's errors; `ChannelClosedError` if the room is closed; `CancellationError`.
  mutating func run() throws {
    try replies.send("* welcome, \(name); \(Command.help)")
    while let command = try next() {
      switch command {
      case .say(let text): try room.say(text, by: name)
      case .nick(let text): try rename(text)
      case .who: try replies.send("* here: \(room.names().joined(separator: ", "))")
      case .quit: return try replies.send("* goodbye, \(name)")
      case .nothing: break
      case .unknown(let word): try replies.send("! there is no \(word); \(Command.help)")
      }
    }
  }

  private mutating func rename(_ text: String) throws {
    do {
      let new = try Nickname(text)
      try room.rename(name, to: new)
      name = new
    } catch let error as NicknameError {
      try replies.send("! \(error)")
    }
  }

  // MARK: Reading

  private func next() throws -> Command? {
    do {
      return try reader.readLine(limit: lineLimit).map { Command($0) }
    } catch is LineTooLongError {
      try skipLine()
      try replies.send("! a line has at most \(lineLimit) bytes; yours has not been said")
      return .nothing
    }
  }

  /// Skips the rest of a line of any length, without keeping it.
  private func skipLine() throws {
    var isInside = true
    while isInside {
      isInside = try reader.parse(limit: .max) { bytes, isAtEnd -> (Bool, Int)? in
        if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) { return (false, end + 1) }
        return bytes.isEmpty && !isAtEnd ? nil : (!isAtEnd, bytes.count)
      }
    }
  }
}
