import Nursery
import Testing

@Suite struct CopyTests {
  private let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

  @Test func everythingGoesOverAndIsCounted() throws {
    try virtually {
      let writer = MemoryWriter(chunks: [1000, 70_000])
      expectEqual(try copy(from: MemoryReader(bytes, chunks: [1, 65_536, 3]), to: writer), bytes.count)
      expectEqual(writer.bytes == bytes, true)
      try writer.writeAll("and on")
      expectEqual(try copy(from: MemoryReader([]), to: writer), 0)
    }
  }

  @Test func noMoreThanTheLimitIsRead() throws {
    try virtually {
      for limit in [0, 1, 65_536, 65_537, 199_999, 200_000, 200_001] {
        let (reader, writer) = (MemoryReader(bytes), MemoryWriter())
        let count = min(limit, bytes.count)
        expectEqual(try copy(from: reader, to: writer, limit: limit), count)
        expectEqual(writer.bytes == Array(bytes.prefix(count)), true)
        expectEqual(reader.count, bytes.count - count)
        let buffered = BufferedReader(MemoryReader(bytes))
        expectEqual(try copy(from: buffered, to: MemoryWriter(), limit: limit), count)
        let found = try buffered.readAll(limit: .max)
        expectEqual(found == Array(bytes.dropFirst(count)), true)
      }
    }
  }

  @Test func anErrorLeavesNoDoubtHowManyBytesWentOver() throws {
    try virtually {
      let writer = MemoryWriter(room: 70_000, failure: Oops())
      var copied = 0
      expectThrows(Oops()) { try copy(from: MemoryReader(bytes), to: writer) { copied = $0 } }
      expectEqual(copied, 70_000)
      expectThrows(Oops()) {
        try copy(from: MemoryReader(Array(bytes[..<100]), failure: Oops()), to: MemoryWriter()) { copied = $0 }
      }
      expectEqual(copied, 100)
    }
  }

  @Test func aCancelledCopyFromABufferedReaderGoesOnWithoutALostByte() throws {
    let text = Array("the quick brown fox".utf8)
    let calls = try exploreCancellations {
      (
        reader: BufferedReader(MemoryReader(text, chunks: [2, 5])), pipe: MemoryPipe(capacity: 3), read: Log<UInt8>()
      )
    } body: { state in
      let (pipe, read) = (state.pipe, state.read)
      goAsync { while let byte = try pipe.reader.read(upTo: 1).first { read.append(byte) } }
      try copy(from: state.reader, to: pipe.writer)
      pipe.writer.close()
    } check: { state, isCompleted in
      var bytes = state.read.entries
      let collected = MemoryWriter()
      state.pipe.writer.close()
      try copy(from: state.pipe.reader, to: collected)
      if !isCompleted { try copy(from: state.reader, to: collected) }
      bytes += collected.bytes
      if bytes != text { throw Oops() }
    }
    #expect(calls > 20)
  }

  @Test func aProxyPassesBothDirections() throws {
    try virtually(2) {
      let (left, right) = (MemoryPipe(capacity: 100), MemoryPipe(capacity: 1000))
      let bytes = bytes
      try withNursery { nursery in
        nursery.goAsync {
          try left.writer.writeAll(bytes)
          left.writer.close()
        }
        nursery.goAsync {
          try copy(from: left.reader, to: right.writer)
          right.writer.close()
        }
        let found = try BufferedReader(right.reader).readAll(limit: .max)
        expectEqual(found == bytes, true)
      }
    }
  }
}
