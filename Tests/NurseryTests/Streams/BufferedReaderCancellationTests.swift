import Nursery
import Testing

/// A reader or writer that is cancelled at each blocking call.
@Suite struct BufferedReaderCancellationTests {
  private struct Conversation {
    let pipe: MemoryPipe
    let reader: BufferedReader
    let written = Counter()
    let read = Log<[UInt8]>()

    init(_ capacity: Int, room: Int = 2) {
      pipe = MemoryPipe(capacity: room)
      reader = BufferedReader(pipe.reader, capacity: capacity)
    }

    func goWrite(_ bytes: [UInt8]) {
      goAsync("writer") { [pipe, written] in
        for byte in bytes {
          try pipe.writer.writeAll([byte])
          written.add()
        }
        pipe.writer.close()
      }
    }

    /// Every written byte is in one of the values, or can still be read.
    func check(_ taken: [UInt8]) throws {
      pipe.writer.close()
      let all = taken + (try reader.readAll(limit: 1000))
      if all != Array(ReadCase.input.prefix(written.value)) { throw Lost(bytes: all, written: written.value) }
    }
  }

  private struct Lost: Error {
    let bytes: [UInt8]
    let written: Int
  }

  @Test(arguments: ReadCase.all) func aCancelledCallLeavesEveryByte(call: ReadCase) throws {
    for usesOp in [false, true] {
      let calls = try exploreCancellations {
        Conversation(3)
      } body: { conversation in
        conversation.goWrite(ReadCase.input)
        let value = try usesOp ? call.op(conversation.reader).perform() : call.verb(conversation.reader)
        conversation.read.append(value)
        conversation.read.append(try conversation.reader.readAll(limit: 100))
      } check: { conversation, _ in
        let read = conversation.read.entries
        if let value = read.first, value != call.value { throw Oops() }
        let taken = read.isEmpty ? [] : Array(ReadCase.input.prefix(call.taken))
        try conversation.check(taken + Array(read.dropFirst().joined()))
      }
      #expect(calls > ReadCase.input.count)
    }
  }

  @Test func aLargeReadPutsBackWhatCameWhenItIsCancelled() throws {
    let calls = try exploreCancellations {
      Conversation(1)
    } body: { conversation in
      conversation.goWrite(ReadCase.input)
      _ = try conversation.reader.peek(2)
      let bytes = try [UInt8](unsafeUninitializedCapacity: 7) { buffer, count in
        try conversation.reader.readExactly(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: 7))
        count = 7
      }
      conversation.read.append(bytes)
    } check: { conversation, _ in
      try conversation.check(conversation.read.entries.flatMap { $0 })
    }
    #expect(calls > ReadCase.input.count)
  }

  @Test func underEveryScheduleALineThatIsCancelledIsReadLater() throws {
    let input = Array("a\nb".utf8)
    let calls = try exploreCancellations(.exhaustive(limit: 2000)) {
      Conversation(1, room: 4)
    } body: { conversation in
      goAsync("writer") { [pipe = conversation.pipe] in
        try withShield { for byte in input { try pipe.writer.writeAll([byte]) } }
        pipe.writer.close()
      }
      while let line = try conversation.reader.readLineBytes() { conversation.read.append(line) }
    } check: { conversation, _ in
      conversation.pipe.writer.close()
      while let line = try conversation.reader.readLineBytes() { conversation.read.append(line) }
      if conversation.read.entries != [[97], [98]] || conversation.pipe.reader.count > 0 { throw Oops() }
    }
    #expect(calls > 3)
  }
}
