import Nursery
import Testing

@Suite struct MemoryStreamTests {
  @Test func aShortAnswerTakesLittleMemory() throws {
    try virtually {
      let stream = MemoryReader("short", chunks: [1])
      for bytes in [try stream.read(upTo: 65_536), try stream.readOp(upTo: 65_536).perform()] {
        expectEqual(bytes.count, 1)
        expectEqual(bytes.capacity < 512, true)
      }
    }
  }

  @Test func aFullPipeHoldsTheWriterUp() throws {
    try virtually {
      try withNursery { nursery in
        let pipe = MemoryPipe(capacity: 2)
        let writer = nursery.goAsync { try pipe.writer.writeAll("abcdef") }
        waitUntilAllParked()
        expectEqual(pipe.reader.count, 2)
        expectEqual(pipe.writer.text, "ab")
        expectEqual(try pipe.reader.read(upTo: 10), Array("ab".utf8))
        waitUntilAllParked()
        expectEqual(writer.isFinished, false)
        expectEqual(try pipe.reader.read(upTo: 1), Array("c".utf8))
        expectEqual(try pipe.reader.read(upTo: 10), Array("d".utf8))
        expectEqual(try pipe.reader.read(upTo: 10), Array("ef".utf8))
        try writer.wait()
      }
    }
  }

  @Test func closingTheWriterIsTheEndForTheReader() throws {
    try virtually {
      try withNursery { nursery in
        let pipe = MemoryPipe()
        let reader = nursery.goAsync { [try pipe.reader.read(upTo: 9), try pipe.reader.read(upTo: 9)] }
        waitUntilAllParked()
        try pipe.writer.writeAll("ab")
        pipe.writer.close()
        expectEqual(try reader.wait(), [Array("ab".utf8), []])
        expectThrows(StreamClosedError.self) { try pipe.writer.write([1]) }
      }
    }
  }

  @Test func closingTheReaderBreaksTheWriter() throws {
    try virtually {
      try withNursery(onFailure: .supervise) { nursery in
        let pipe = MemoryPipe(capacity: 1)
        let error = nursery.goAsync { expectThrows(SystemError.self) { try pipe.writer.writeAll("abc") }?.description }
        waitUntilAllParked()
        pipe.reader.close()
        expectEqual(try error.wait(), "could not write to a memory stream: Broken pipe (32)")
        expectThrows(StreamClosedError.self) { try pipe.reader.read(upTo: 1) }
      }
    }
  }

  @Test func aWaiterGetsAnErrorWhenItsOwnEndIsClosed() throws {
    try virtually {
      try withNursery { nursery in
        let (empty, full) = (MemoryPipe(), MemoryPipe(capacity: 1))
        try full.writer.writeAll("a")
        let reader = nursery.goAsync { expectThrows(StreamClosedError.self) { try empty.reader.read(upTo: 1) } }
        let writer = nursery.goAsync { expectThrows(StreamClosedError.self) { try full.writer.write([1]) } }
        waitUntilAllParked()
        empty.reader.close()
        full.writer.close()
        _ = (try reader.wait(), try writer.wait())
      }
    }
  }

  @Test func aBrokenPipeFailsBehindTheBytes() throws {
    try virtually {
      let pipe = MemoryPipe()
      try pipe.writer.writeAll("ab")
      pipe.fail(Oops(1))
      pipe.fail(Oops(2))
      expectThrows(Oops(1)) { try pipe.writer.writeAll("c") }
      expectEqual(try pipe.reader.read(upTo: 9), Array("ab".utf8))
      expectThrows(Oops(1)) { try pipe.reader.read(upTo: 9) }
    }
  }

  @Test func bytesComeInTheChunksThatWereAskedFor() throws {
    try virtually {
      let reader = MemoryReader("abcdefg", chunks: [1, 3], failure: Oops())
      var chunks: [Int] = []
      while reader.count > 0 { chunks.append(try reader.read(upTo: 2).count) }
      #expect(chunks == [1, 2, 1, 1, 2], "a small buffer does not move the boundaries")
      expectThrows(Oops()) { try reader.read(upTo: 1) }
      let writer = MemoryWriter(chunks: [2], room: 3)
      expectEqual(try writer.write([1, 2, 3, 4]), 2)
      expectEqual(try writer.write([3, 4]), 1)
      #expect(expectThrows(SystemError.self) { try writer.write([4]) }?.description.contains("No space") == true)
    }
  }

  @Test(arguments: parallelisms) func manyBytesPassBetweenFibersOfAllWorkers(parallelism: Int) throws {
    try virtually(parallelism) {
      try withNursery { nursery in
        let pipe = MemoryPipe(capacity: 7)
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0) }
        nursery.goAsync {
          for start in stride(from: 0, to: bytes.count, by: 5) {
            try pipe.writer.writeAll(Array(bytes[start..<start + 5]))
          }
          pipe.writer.close()
        }
        let found = try BufferedReader(pipe.reader, capacity: 16).readAll(limit: .max)
        expectEqual(found == bytes, true)
      }
    }
  }
}
