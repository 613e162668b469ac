import Nursery
import Testing

@Suite struct BufferedWriterTests {
  @Test func smallWritesAreCollected() throws {
    try virtually {
      let stream = MemoryWriter()
      let writer = BufferedWriter(stream, capacity: 8)
      #expect(writer.memory == 0)
      try writer.write("abc")
      try writer.write([0x64])
      try writer.writeInteger(0x6566 as UInt16)
      try writer.writeOp("gh").perform()
      #expect(stream.text == "")
      expectEqual(writer.bufferedCount, 8)
      try writer.write("i")
      #expect(stream.text == "abcdefghi", "what does not fit takes along what there is")
      try writer.writeInteger(0x6A6B as UInt16, .littleEndian)
      try writer.writeIntegerOp(0x6C as UInt8).perform()
      try writer.flush()
      #expect(stream.text == "abcdefghikjl")
      expectEqual(writer.bufferedCount, 0)
      #expect(writer.memory == 0, "an idle writer has no buffer")
      try writer.flush()
      try writer.flushOp().perform()
    }
  }

  @Test func theBytesAreTheSameForAnySizesThatTheStreamTakes() throws {
    var generator = SeededGenerator(state: 1)
    try virtually {
      for _ in 0..<2000 {
        let chunks = (0..<3).map { _ in Int.random(in: 1...7, using: &generator) }
        let stream = MemoryWriter(chunks: chunks)
        let writer = BufferedWriter(stream, capacity: Int.random(in: 1...6, using: &generator))
        var expected: [UInt8] = []
        for _ in 0..<8 {
          let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
          }
          expected += bytes
          switch Int.random(in: 0..<4, using: &generator) {
          case 0: try writer.writeOp(bytes).perform()
          case 1:
            try writer.write(bytes)
            try writer.flush()
          default: try writer.write(bytes)
          }
          #expect(stream.bytes + Array(expected.suffix(writer.bufferedCount)) == expected)
        }
        try writer.flushOp().perform()
        #expect(stream.bytes == expected)
      }
    }
  }

  @Test func aWriteThatDoesNotFitWaitsForTheReader() throws {
    try virtually {
      let pipe = MemoryPipe(capacity: 2)
      let writer = BufferedWriter(pipe.writer, capacity: 2)
      try writer.write("ab")
      try writer.write("cd")
      expectThrows(TimeoutError.self) { try writer.writeOp("e").orTimeout(after: .seconds(1)).perform() }
      expectThrows(TimeoutError.self) { try withTimeout(.seconds(1)) { try writer.write("e") } }
      expectEqual(try writer.writeOp("e").poll() == nil, true)
      expectThrows(TimeoutError.self) { try withTimeout(.seconds(1)) { try writer.flush() } }
      let text = try withNursery { nursery in
        let all = nursery.goAsync { try BufferedReader(pipe.reader).readAll(limit: 100) }
        try writer.write("efghi")
        try writer.flush()
        pipe.writer.close()
        return String(decoding: try all.wait(), as: UTF8.self)
      }
      expectEqual(text, "abcdefghi")
    }
  }

  @Test func aLargeWriteThatIsCancelledHalfWayHasBeenTakenAsAWhole() throws {
    try virtually {
      let pipe = MemoryPipe(capacity: 3)
      let writer = BufferedWriter(pipe.writer, capacity: 2)
      var isNextCancelled = false
      _ = try withTimeoutOrNil(.seconds(1)) {
        try writer.write("abcdefgh")
        do { try writer.write("x") } catch { isNextCancelled = error is CancellationError }
      }
      #expect(isNextCancelled)
      expectEqual(pipe.writer.bytes.count, 3)
      expectEqual(writer.bufferedCount, 5)
      let rest = try withNursery { nursery in
        let all = nursery.goAsync { try BufferedReader(pipe.reader).readAll(limit: 100) }
        try writer.flush()
        pipe.writer.close()
        return String(decoding: try all.wait(), as: UTF8.self)
      }
      expectEqual(rest, "abcdefgh")
    }
  }

  @Test func cancelledAnywhereAWriteThatThrewTookNothingAndOneThatReturnedEverything() throws {
    let words = ["a", "bc", "defghij", "", "klm", "nopqrstuvw", "x"]
    for usesOps in [false, true] {
      let calls = try exploreCancellations {
        (pipe: MemoryPipe(capacity: 2), taken: Log<String>(), read: Log<UInt8>(), writer: Log<Box<BufferedWriter>>())
      } body: { state in
        let (pipe, read) = (state.pipe, state.read)
        let writer = BufferedWriter(pipe.writer, capacity: 4)
        state.writer.append(Box(writer))
        goAsync("reader") {
          while let byte = try pipe.reader.read(upTo: 1).first { read.append(byte) }
        }
        for (index, word) in words.enumerated() {
          if usesOps { try writer.writeOp(word).perform() } else { try writer.write(word) }
          state.taken.append(word)
          if index == 3 { try usesOps ? writer.flushOp().perform() : writer.flush() }
        }
        try writer.flush()
        pipe.writer.close()
      } check: { state, isCompleted in
        var bytes = state.read.entries
        if let writer = state.writer.entries.first?.value, !isCompleted {
          bytes += try withNursery { nursery in
            let pipe = state.pipe
            let rest = nursery.goAsync { try BufferedReader(pipe.reader).readAll(limit: 100) }
            try writer.flush()
            pipe.writer.close()
            return try rest.wait()
          }
        }
        if bytes != Array(state.taken.entries.joined().utf8) { throw Wrong(bytes: bytes, taken: state.taken.entries) }
      }
      #expect(calls > 20)
    }
  }

  private struct Wrong: Error {
    let bytes: [UInt8]
    let taken: [String]
  }

  @Test func anErrorOfTheStreamKeepsWhatWasNotPassedOn() throws {
    try virtually {
      let stream = MemoryWriter(room: 3, failure: Oops())
      let writer = BufferedWriter(stream, capacity: 5)
      try writer.write("abcde")
      expectThrows(Oops()) { try writer.flush() }
      expectEqual(stream.text, "abc")
      expectEqual(writer.bufferedCount, 2)
      expectThrows(Oops()) { try writer.flushOp().perform() }
    }
  }

  @Test func theScopedWriterFlushesUnlessItsBodyThrows() throws {
    try virtually {
      let stream = MemoryWriter()
      expectEqual(
        try withBufferedWriter(stream) {
          try $0.write("abc"); return 7
        }, 7)
      #expect(stream.text == "abc")
      expectThrows(Oops()) {
        try withBufferedWriter(stream) {
          try $0.write("def")
          throw Oops()
        }
      }
      #expect(stream.text == "abc")
    }
  }
}
