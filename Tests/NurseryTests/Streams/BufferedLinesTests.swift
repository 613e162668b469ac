import Nursery
import Testing

@Suite struct BufferedLinesTests {
  @Test func aLoopTakesTheLinesAsTheyCome() throws {
    try virtually {
      let lines = try fed(Array("one\r\n\ntwo".utf8), in: [1, 2, 3, 4]) { Array(try $0.lines()) }
      expectEqual(lines, ["one", "", "two"])
    }
  }

  @Test func anErrorEndsTheLoopAndIsThrownByTheNextCall() throws {
    try virtually {
      let next: [@Sendable (BufferedReader) throws -> Void] = [
        { _ = try $0.readLine() }, { _ = try $0.readLineOp().perform() }, { _ = try $0.lines() }, { try $0.finish() },
        { _ = try $0.read(upTo: 1) }, { _ = try copy(from: $0, to: MemoryWriter()) },
      ]
      for call in next {
        let reader = BufferedReader(MemoryReader("one\ntwo and more\n"))
        var lines: [String] = []
        for line in try reader.lines(limit: 5) { lines.append(line) }
        expectEqual(lines, ["one"])
        expectThrows(LineTooLongError(limit: 5)) { try call(reader) }
        // It is thrown once.
        expectEqual(try reader.readLine(), "two and more")
      }
    }
  }

  @Test func anErrorThatNoCallGetsIsReported() throws {
    let reported = Log<String>()
    let configuration = Configuration(
      parallelism: 1, clock: .virtual, onSuppressedError: { reported.append("\($0)") })
    try runFibers(configuration) {
      func read(_ asks: Bool) throws {
        let reader = BufferedReader(MemoryReader("one\n", failure: Oops()))
        for _ in try reader.lines() {}
        if asks { expectThrows(Oops()) { try reader.finish() } }
      }
      try read(true)
      expectEqual(reported.entries, [])
      try read(false)
      expectEqual(reported.entries, ["\(Oops())"])
    }
  }

  @Test func theLoopEndsInACancelledScope() throws {
    try virtually {
      let pipe = MemoryPipe()
      try pipe.writer.writeAll("one\ntwo\npart")
      let reader = BufferedReader(pipe.reader)
      var lines: [String] = []
      try withCancelScope { scope in
        for line in try reader.lines() {
          lines.append(line)
          scope.cancel()
        }
        expectThrows(CancellationError.self) { try reader.finish() }
      }
      expectEqual(lines, ["one"])
      _ = try withTimeoutOrNil(.seconds(1)) { for line in try reader.lines() { lines.append(line) } }
      expectEqual(lines, ["one", "two"])
      pipe.writer.close()
      expectEqual(try reader.readLine(), "part")
      try reader.finish()
    }
  }
}
