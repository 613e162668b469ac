import Foundation
import Nursery
import Testing

/// A client of a console that reads the replies as any program would.
final class ConsoleClient {
  let stream: UnixStream
  private let replies: BufferedReader

  init(_ path: String) throws {
    stream = try UnixStream.connect(to: .unix(path: path))
    replies = BufferedReader(stream)
    let greeting = try reply()
    #expect(greeting?["console"] as? String ?? greeting?["error"] as? String != nil)
  }

  func ask(_ command: String) throws -> [String: Any] {
    try stream.writeAll("\(command)\n")
    return try #require(try reply())
  }

  func text(_ command: String) throws -> String { try #require(try ask(command)["text"] as? String) }
  func error(_ command: String) throws -> String { try #require(try ask(command)["error"] as? String) }

  /// The next reply; nil if the console has closed the connection.
  func reply() throws -> [String: Any]? {
    guard let line = try replies.readLine(limit: 1 << 26) else { return nil }
    return try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }
}
