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
        // Either all bytes of the value come at once, or none.
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

  @Test(arguments: ["get", "gets", "gat 100", "gats 100"], ["\r\n", "\n"])
  func aLineOfAnyLengthMayAskForItems(verb: String, lineEnd: String) throws {
    try runFibers(.virtual()) {
      let server = Server()
      let keys = (0..<50).map { "key\($0)" }
      for key in keys { expectEqual(try server.answers(to: "set \(key) 0 0 1 noreply\r\nx\r\n"), "") }
      // Also missing keys, and keys of the largest length.
      let asked = (0..<400).flatMap { keys + ["none", String(repeating: "k", count: $0 % 251)] }
      let line = "\(verb) \(asked.joined(separator: " "))\(lineEnd)"
      expectEqual(line.utf8.count > 150_000, true)
      let unique = verb.hasPrefix("gets") || verb.hasPrefix("gats")
      let values = keys.enumerated().map { "VALUE \($1) 0 1\(unique ? " \($0 + 1)" : "")\r\nx\r\n" }.joined()
      let expected = String(repeating: values, count: 400) + "END\r\nVERSION 1.5.3\r\n"
      for chunk in [1000, 8192, 100_000, 1 << 30] {
        expectEqual(try server.answers(to: "\(line)version\r\n", chunks: [chunk]) == expected, true)
      }
    }
  }

  @Test func aLongLineIsAnsweredWhileItComes() throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let server = Server()
        expectEqual(try server.answers(to: "set a 0 0 1\r\nx\r\n"), "STORED\r\n")
        let (up, down) = (MemoryPipe(), MemoryPipe())
        nursery.goAsync { try server.serve(up.reader, down.writer) }
        let answers = BufferedReader(down.reader)
        try up.writer.writeAll("get a" + String(repeating: " none", count: 20_000))
        expectEqual(try answers.readLine(), "VALUE a 0 1")
        expectEqual(try answers.readLine(), "x")
        try up.writer.writeAll(" a a")
        expectEqual(try answers.readLine(), "VALUE a 0 1")
        expectEqual(try answers.readLine(), "x")
        try up.writer.writeAll("\r\n")
        for line in ["VALUE a 0 1", "x", "END"] { expectEqual(try answers.readLine(), line) }
        // A client that ends in the middle of a line gets no further answer.
        try up.writer.writeAll("get a" + String(repeating: " none", count: 20_000))
        up.writer.close()
        expectEqual(try answers.readLine(), "VALUE a 0 1")
        expectEqual(try answers.readLine(), "x")
        waitUntilAllParked()
        down.writer.close()
        expectEqual(try answers.readLine(), nil)
      }
    }
  }

  @Test func aMistakeInALongLineTakesThePlaceOfItsEnd() throws {
    try runFibers(.virtual()) {
      let server = Server()
      expectEqual(try server.answers(to: "set a 0 0 1\r\nx\r\n"), "STORED\r\n")
      let keys = String(repeating: " none", count: 20_000)
      for length in [251, 1000, 200_000] {
        let key = String(repeating: "k", count: length)
        expectEqual(
          try server.answers(to: "get a\(keys) \(key)\(keys) a\r\nversion\r\n", chunks: [1460]),
          "VALUE a 0 1\r\nx\r\nCLIENT_ERROR bad command line format\r\nVERSION 1.5.3\r\n")
      }
    }
  }

  @Test(arguments: ["set", "delete", "hello", "gat", "incr"]) func noOtherLineMayBeLong(verb: String) throws {
    try runFibers(.virtual()) {
      let line = verb + String(repeating: " a", count: 50_000)
      expectEqual(
        try Server().answers(to: "\(line)\r\nversion\r\n", chunks: [8192]),
        "CLIENT_ERROR line too long\r\nVERSION 1.5.3\r\n")
    }
  }

  #if os(Linux)
    @Test(.disabled(if: isSanitized, "sanitizers keep memory that has been freed"))
    func theMemoryForALineDoesNotGrowWithIt() async {
      // In a process of its own, because the memory of all tests would count.
      await #expect(processExitsWith: .success) {
        try synchronously {
          try runFibers(.virtual()) {
            try withNursery { nursery in
              let (up, down) = (MemoryPipe(), MemoryPipe())
              nursery.goAsync { try Server().serve(up.reader, down.writer) }
              let keys = [UInt8](String(repeating: " " + String(repeating: "k", count: 250), count: 400).utf8)
              try up.writer.writeAll("get a")
              for _ in 0..<10 { try up.writer.writeAll(keys) }
              let before = residentKilobytes()
              for _ in 0..<80 { try up.writer.writeAll(keys) }
              #expect(residentKilobytes() - before < 4_000)
              try up.writer.writeAll("\r\n")
              expectEqual(try BufferedReader(down.reader).readLine(), "END")
              up.writer.close()
            }
          }
        }
      }
    }
  #endif

  @Test func aClientThatHasSentHalfACommandGetsTheEarlierAnswer() throws {
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
