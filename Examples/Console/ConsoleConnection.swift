import Nursery

/// A connection to a program's console.
final class ConsoleConnection {
  private let stream: UnixStream
  private let replies: BufferedReader

  /// A reply, as it came and read.
  struct Reply {
    let line: String
    let value: JSONValue
    /// What people are shown, or the error.
    var text: String { error ?? value["text"].string ?? line }
    var error: String? { value["error"].string }
  }

  init(_ path: String) throws {
    stream = try UnixStream.connect(to: .unix(path: path))
    replies = BufferedReader(stream)
    let greeting = try reply()
    if let error = greeting.error { throw ConsoleError(description: error) }
    guard greeting.value["console"].string == "nursery", greeting.value["version"].integer == 1 else {
      throw ConsoleError(description: "\(path) is not a console of version 1 of a Nursery program")
    }
  }

  func ask(_ command: String) throws -> Reply {
    let line = command.split { $0.isNewline }.joined(separator: " ")
    try stream.writeAll("\(line)\n")
    return try reply()
  }

  private func reply() throws -> Reply {
    let line = try withTimeout(.seconds(60)) { try replies.readLine(limit: 1 << 30) }
    guard let line else { throw ConsoleError(description: "the program has ended, or has closed the connection") }
    guard let value = JSONValue(line) else {
      throw ConsoleError(description: "the program has sent a line that is no reply")
    }
    return Reply(line: line, value: value)
  }
}

/// Why the console does not answer.
struct ConsoleError: Error, CustomStringConvertible {
  let description: String
}
