import Nursery

/// An answer of the server; it can be parsed without the request.
struct Answer: Sendable {
  /// Lines that begin with `VALUE`, each with its value.
  var values: [Value] = []
  /// Lines that begin with `STAT`.
  var statistics: [(name: String, value: String)] = []
  /// The last line.
  var line = ""
}

/// An item, as the server delivers it.
package struct Value: Hashable, Sendable {
  package let key: String
  package let flags: UInt32
  package let data: [UInt8]
  /// The number for `compareAndSet`; nil unless it was requested.
  package let unique: UInt64?
}

/// The server has refused a request, with its message: "CLIENT_ERROR bad data chunk".
package struct RefusedError: Error, Hashable, CustomStringConvertible {
  package let line: String

  package var description: String { "the memcached server has refused a request: \(line)" }
}

/// The server has violated the protocol.
struct ProtocolError: Error, CustomStringConvertible {
  let line: String

  var description: String { "the memcached server has sent what is no answer: \(line)" }
}

extension BufferedReader {
  /// Reads one answer.
  ///
  /// A refusal is returned as a failure of its request; a thrown error ends the connection.
  func readAnswer(valueLimit: Int) throws -> Result<Answer, any Error> {
    var answer = Answer()
    while true {
      guard let line = try readLine(limit: 4096) else { throw UnexpectedEndError(wanted: nil, got: 0) }
      let words = line.split(separator: " ", omittingEmptySubsequences: false)
      switch words.first {
      case "VALUE": answer.values.append(try readValue(words, line, valueLimit))
      case "STAT" where words.count >= 2:
        answer.statistics.append((String(words[1]), words.dropFirst(2).joined(separator: " ")))
      case "ERROR", "CLIENT_ERROR", "SERVER_ERROR": return .failure(RefusedError(line: line))
      default:
        answer.line = line
        return .success(answer)
      }
    }
  }

  private func readValue(_ words: [Substring], _ line: String, _ limit: Int) throws -> Value {
    guard words.count == 4 || words.count == 5, let flags = UInt32(words[2]), let count = Int(words[3]),
      0...limit ~= count
    else { throw ProtocolError(line: line) }
    var data = try readExactly(count + 2)
    guard data.suffix(2).elementsEqual("\r\n".utf8) else { throw ProtocolError(line: line) }
    data.removeLast(2)
    return Value(key: String(words[1]), flags: flags, data: data, unique: words.count == 5 ? UInt64(words[4]) : nil)
  }
}
