import Nursery
import Testing

@Suite struct BufferedReaderTests {
  @Test(arguments: ReadCase.all) func theSizesOfThePiecesMakeNoDifference(call: ReadCase) throws {
    try virtually {
      for chunks in compositions(of: ReadCase.input.count) {
        let readers = (0..<2).map { _ in BufferedReader(MemoryReader(ReadCase.input, chunks: chunks), capacity: 3) }
        expectEqual(try call.verb(readers[0]), call.value)
        expectEqual(try call.op(readers[1]).perform(), call.value)
        for reader in readers { expectEqual(try reader.readAll(limit: 100), call.rest) }
      }
    }
  }

  @Test(arguments: ReadCase.all) func thePlacesWhereTheReaderWaitsMakeNoDifference(call: ReadCase) throws {
    try virtually {
      for pieces in compositions(of: ReadCase.input.count) {
        try fed(ReadCase.input, in: pieces) { reader in
          expectEqual(try call.verb(reader), call.value)
          expectEqual(try reader.readAll(limit: 100), call.rest)
        }
        try fed(ReadCase.input, in: pieces) { reader in
          expectEqual(try call.op(reader).perform(), call.value)
          expectEqual(try reader.readAll(limit: 100), call.rest)
        }
      }
    }
  }

  @Test(arguments: ReadCase.all) func anOperationThatLosesAfterAnyByteHasTakenNone(call: ReadCase) throws {
    try virtually {
      for count in 0..<ReadCase.input.count {
        let pipe = MemoryPipe()
        try pipe.writer.writeAll(Array(ReadCase.input[..<count]))
        let reader = BufferedReader(pipe.reader)
        let op = call.op(reader)
        let value = try op.wrap { Optional($0) }.or(timeoutOp(after: .seconds(1)).wrap { nil }).perform()
        // The value was complete without waiting.
        guard value == nil else { continue }
        expectThrows(TimeoutError.self) { try op.orTimeout(after: .seconds(1)).perform() }
        expectThrows(TimeoutError.self) { try withTimeout(.seconds(1)) { try call.verb(reader) } }
        expectEqual(try op.poll() == nil, true)
        expectEqual(reader.bufferedCount, count)
        try pipe.writer.writeAll(Array(ReadCase.input[count...]))
        pipe.writer.close()
        expectEqual(try op.perform(), call.value)
        expectEqual(try reader.readAll(limit: 100), call.rest)
      }
    }
  }

  @Test(arguments: ReadCase.all) func aCancelledScopeTakesNothingEvenFromTheBuffer(call: ReadCase) throws {
    try virtually {
      let reader = BufferedReader(MemoryReader(ReadCase.input))
      _ = try reader.peek(100)
      try withCancelScope { scope in
        scope.cancel()
        expectThrows(CancellationError.self) { try call.verb(reader) }
        expectThrows(CancellationError.self) { try call.op(reader).perform() }
      }
      expectEqual(try reader.readAll(limit: 100), ReadCase.input)
    }
  }

  @Test(arguments: ReadCase.all) func anErrorOfTheStreamLeavesTheBytesBeforeIt(call: ReadCase) throws {
    try virtually {
      for count in 0..<max(call.taken, 1) {
        let reader = BufferedReader(MemoryReader(Array(ReadCase.input[..<count]), chunks: [2], failure: Oops()))
        expectThrows(Oops()) { try call.verb(reader) }
        expectThrows(Oops()) { try call.op(reader).perform() }
        expectEqual(reader.bufferedCount, count)
      }
    }
  }

  @Test func theEndInTheMiddleIsAnErrorAndTheBytesStay() throws {
    try virtually {
      let reader = BufferedReader(MemoryReader("abc", chunks: [1]))
      expectThrows(UnexpectedEndError(wanted: 5, got: 3)) { try reader.readExactly(5) }
      expectThrows(UnexpectedEndError(wanted: 8, got: 3)) { try reader.readInteger(UInt64.self) }
      expectThrows(UnexpectedEndError(wanted: nil, got: 3)) { try reader.readUntil([0]) }
      expectThrows(UnexpectedEndError(wanted: nil, got: 3)) {
        try reader.parse(limit: 9) { _, _ in nil as (Int, Int)? }
      }
      expectEqual(try reader.readLine(), "abc")
      expectEqual(try reader.readLine() == nil, true)
      expectEqual(try reader.readUntil([0]) == nil, true)
      expectEqual(try reader.readExactly(0), [])
      expectEqual(try reader.readAll(limit: 0), [])
      expectEqual(try reader.read(upTo: 5), [])
    }
  }

  @Test func moreThanTheLimitIsAnErrorAndTheBytesStay() throws {
    try virtually {
      let reader = BufferedReader(MemoryReader("abcdef\r\n", chunks: [1]))
      expectThrows(LineTooLongError(limit: 5)) { try reader.readLine(limit: 5) }
      expectThrows(LineTooLongError(limit: 5)) { try reader.readUntil([10], limit: 5) }
      expectThrows(InputTooLongError(limit: 7)) { try reader.readAll(limit: 7) }
      expectThrows(InputTooLongError(limit: 4)) { try reader.parse(limit: 4) { _, _ in nil as (Int, Int)? } }
      let whole = BufferedReader(MemoryReader("abcdef"))
      expectThrows(InputTooLongError(limit: 4)) {
        try whole.parse(limit: 4) { bytes, _ in bytes.isEmpty ? nil : (0, bytes.count) }
      }
      expectEqual(try reader.readLine(limit: 6), "abcdef")
    }
  }

  @Test func anEndlessLineIsAnErrorInBoundedMemory() throws {
    try virtually {
      let reader = BufferedReader(Endless())
      expectThrows(LineTooLongError(limit: 100_000)) { try reader.readLine(limit: 100_000) }
      #expect(reader.memory <= 4 * 100_000)
      expectThrows(InputTooLongError(limit: 100_000)) { try reader.readAllOp(limit: 100_000).perform() }
      #expect(reader.memory <= 4 * 100_000)
    }
  }

  @Test func aReaderThatWaitsWithNothingInItsBufferHasNone() throws {
    try virtually {
      let pipe = MemoryPipe()
      try pipe.writer.writeAll(Array(repeating: 65, count: 40_000) + [10])
      let reader = BufferedReader(pipe.reader)
      #expect(reader.memory == 0)
      expectEqual(try reader.readLine()?.utf8.count, 40_000)
      #expect(reader.memory >= 8192)
      expectThrows(TimeoutError.self) { try withTimeout(.seconds(1)) { try reader.readLine() } }
      #expect(reader.memory == 0)
      expectThrows(TimeoutError.self) { try reader.readExactlyOp(5).orTimeout(after: .seconds(1)).perform() }
      #expect(reader.memory == 0)
      try pipe.writer.writeAll(Array(repeating: 65, count: 40_000) + [10, 66])
      expectEqual(try reader.readLine()?.utf8.count, 40_000)
      expectThrows(TimeoutError.self) { try withTimeout(.seconds(1)) { try reader.readLine() } }
      #expect(reader.memory == 8192, "one byte keeps no large buffer")
    }
  }

  @Test func skippedBytesAreDroppedAlsoWhenTheyComeLater() throws {
    try virtually {
      for pieces in compositions(of: ReadCase.input.count) {
        try fed(ReadCase.input, in: pieces, capacity: 2) { reader in
          reader.skip(1)
          reader.skip(2)
          expectEqual(try reader.readLine(), "")
          reader.skip(1)
          expectEqual(try reader.readLineOp().perform(), "d")
          reader.skip(3)
          expectThrows(UnexpectedEndError(wanted: 1, got: 0)) { try reader.read(upTo: 1) }
        }
      }
    }
  }

  @Test func integersComeInBothOrders() throws {
    try virtually {
      let reader = BufferedReader(MemoryReader([1, 2, 3, 4, 0xFF, 0xFE, 9], chunks: [1]))
      expectEqual(try reader.readInteger(UInt16.self, .bigEndian), 0x0102)
      expectEqual(try reader.readInteger(UInt16.self, .littleEndian), 0x0403)
      expectEqual(try reader.readIntegerOp(Int16.self, .bigEndian).perform(), -2)
      expectEqual(try reader.readInteger(UInt8.self), 9)
    }
  }

  @Test func invalidUTF8IsRepairedInStringsOnly() throws {
    try virtually {
      let garbage: [UInt8] = [0xFF, 0x41, 10]
      expectEqual(try BufferedReader(MemoryReader(garbage)).readLine(), "\u{FFFD}A")
      expectEqual(try BufferedReader(MemoryReader(garbage)).readLineBytes(), [0xFF, 0x41])
    }
  }

  @Test func aParserThatThrowsHasTakenNothing() throws {
    try virtually {
      let reader = BufferedReader(MemoryReader("ab\n"))
      expectThrows(Oops()) { try reader.withLine { _ in throw Oops() } }
      expectThrows(Oops()) { try reader.parse(limit: 9) { _, _ in throw Oops() } as Int }
      expectEqual(try reader.readLine(), "ab")
    }
  }

  @Test func aReaderCanBeHandedToAChild() throws {
    try virtually {
      let line = try withNursery { nursery in
        let reader = BufferedReader(MemoryReader("GET\nbody"))
        expectEqual(try reader.readLine(), "GET")
        return try nursery.goAsync { try reader.readLine() }.wait()
      }
      expectEqual(line, "body")
    }
  }
}

/// An endless stream of the letter x.
private final class Endless: ReadableStream {
  func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    buffer.initializeMemory(as: UInt8.self, repeating: 120)
    return buffer.count
  }

  func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    Readiness("the letter x").whenReadyOp(attempt)
  }

  func close() {}
}
