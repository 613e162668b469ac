import MemcachedServer
import Nursery
import Testing

extension Server {
  /// What the server says to a client that says all this and hangs up; in pieces of so many bytes.
  func answers(to script: String, chunks: [Int] = []) throws -> String {
    try answers(to: Array(script.utf8), chunks: chunks)
  }

  func answers(to script: [UInt8], chunks: [Int] = []) throws -> String {
    let output = MemoryWriter()
    try serve(MemoryReader(script, chunks: chunks), output)
    return output.text
  }
}

/// A server with other limits than the usual ones.
func server(_ change: (inout Options) -> Void) -> Server {
  var options = Options()
  change(&options)
  return Server(options)
}

/// A part of the protocol: what a client says, and what a server says to that.
struct Dialogue: Sendable, CustomTestStringConvertible {
  let name: String
  let script: String
  let answers: String

  /// The lines end as lines end on the wire.
  init(_ name: String, _ script: String, _ answers: String) {
    self.name = name
    self.script = Self.wire(script)
    self.answers = Self.wire(answers)
  }

  private static func wire(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
      + (text.isEmpty ? "" : "\r\n")
  }

  var testDescription: String { name }
}
