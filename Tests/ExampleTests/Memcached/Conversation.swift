import MemcachedServer
import Nursery
import Testing

extension Server {
  /// The server's answers to a client that sends the script, in pieces of these sizes, and closes.
  func answers(to script: String, chunks: [Int] = []) throws -> String {
    try answers(to: Array(script.utf8), chunks: chunks)
  }

  func answers(to script: [UInt8], chunks: [Int] = []) throws -> String {
    let output = MemoryWriter()
    try serve(MemoryReader(script, chunks: chunks), output)
    return output.text
  }
}

/// A server with changed options.
func server(_ change: (inout Options) -> Void) -> Server {
  var options = Options()
  change(&options)
  return Server(options)
}

/// A part of the protocol: a client's commands and the server's answers.
struct Dialogue: Sendable, CustomTestStringConvertible {
  let name: String
  let script: String
  let answers: String

  /// Line ends are converted to those of the protocol.
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
