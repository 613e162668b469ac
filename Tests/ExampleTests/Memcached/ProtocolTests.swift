import MemcachedServer
import Nursery
import TestSupport
import Testing

@Suite struct MemcachedProtocolTests {
  @Test(arguments: dialogues) func itAnswersAsTheProtocolSays(dialogue: Dialogue) throws {
    try runFibers(.virtual()) {
      expectEqual(try Server().answers(to: dialogue.script), dialogue.answers)
    }
  }

  @Test(arguments: dialogues) func itDoesNotMatterHowTheBytesAreCut(dialogue: Dialogue) throws {
    try runFibers(.virtual()) {
      let count = dialogue.script.utf8.count
      for cut in 1..<count {
        expectEqual(try Server().answers(to: dialogue.script, chunks: [cut, count]), dialogue.answers)
      }
      expectEqual(try Server().answers(to: dialogue.script, chunks: [1]), dialogue.answers)
    }
  }

  @Test func linesMayEndWithALineFeedAlone() throws {
    try runFibers(.virtual()) {
      expectEqual(
        try Server().answers(to: "set a 0 0 1\nx\r\nget a\n"), "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n")
    }
  }

  @Test(arguments: ["x\r\n", "xyz"]) func answersAreSentBeforeTheRestOfAValueIsWaitedFor(value: String) throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let (up, down) = (MemoryPipe(), MemoryPipe())
        nursery.goAsync { try Server().serve(up.reader, down.writer) }
        let answers = BufferedReader(down.reader)
        // All that can be read as the value has come at once, or nothing of it.
        try up.writer.writeAll("version\r\nset a 0 0 1\r\n" + (value == "xyz" ? value : ""))
        expectEqual(try answers.readLine(), "VERSION 1.5.3")
        try up.writer.writeAll(value == "xyz" ? "\r\n" : value)
        expectEqual(try answers.readLine(), value == "xyz" ? "CLIENT_ERROR bad data chunk" : "STORED")
        up.writer.close()
      }
    }
  }

  @Test func halfACommandAtTheEndIsNone() throws {
    try runFibers(.virtual()) {
      let server = Server()
      expectEqual(try server.answers(to: "set a 0 0 1\r\nx\r\nset ab 0 0 1\r\ny\r\n"), "STORED\r\nSTORED\r\n")
      expectEqual(try server.answers(to: "delete a"), "")
      expectEqual(try server.answers(to: "set a 0 0 3\r\nxy"), "")
      expectEqual(try server.answers(to: "set a 0 0 2\r\nxy\r"), "")
      expectEqual(try server.answers(to: "get a\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n")
    }
  }

  @Test func anEndlessLineIsRefusedAndPassedOver() throws {
    try runFibers(.virtual()) {
      let line = "get " + String(repeating: "x", count: 500_000)
      for chunk in [1000, 8192, 100_000] {
        expectEqual(
          try Server().answers(to: "\(line)\r\nversion\r\n", chunks: [chunk]),
          "CLIENT_ERROR line too long\r\nVERSION 1.5.3\r\n")
      }
    }
  }

  @Test func manyKeysInOneLineAreAllGot() throws {
    try runFibers(.virtual()) {
      let server = Server()
      let keys = (0..<5000).map { "key\($0)" }
      for key in keys { expectEqual(try server.answers(to: "set \(key) 0 0 1 noreply\r\nx\r\n"), "") }
      let answers = try server.answers(to: "get \(keys.joined(separator: " "))\r\n", chunks: [4096])
      expectEqual(answers, keys.map { "VALUE \($0) 0 1\r\nx\r\n" }.joined() + "END\r\n")
    }
  }

  @Test func whoWaitsForAnAnswerWithHalfACommandOutGetsIt() throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let (up, down) = (MemoryPipe(), MemoryPipe())
        nursery.goAsync { try Server().serve(up.reader, down.writer) }
        try up.writer.writeAll("version\r\nvers")
        expectEqual(try down.reader.read(upTo: 100), Array("VERSION 1.5.3\r\n".utf8))
        up.writer.close()
      }
    }
  }
}
