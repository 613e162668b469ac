import Nursery
import TestSupport
import Testing

/// The rules of waiting for descriptors, each under every schedule of a small script: the kernel's part of it is real.
struct ReactorRules {
  @Test func whatIsWrittenIsReadWhoeverComesFirst() throws {
    try underEverySchedule {
      let log = Log<UInt8>()
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        nursery.goAsync { while let byte = try reader.read(upTo: 1).first { log.append(byte) } }
        for byte: UInt8 in 1...2 {
          try writer.writeAll([byte])
          Fiber.yield()
        }
        writer.close()
      }
      try hold(log.entries == [1, 2], "\(log.entries)")
    }
  }

  @Test func twoReadersShareWhatIsWritten() throws {
    try underEverySchedule {
      let log = Log<UInt8>()
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        for _ in 0..<2 { nursery.goAsync { log.append(try reader.read(upTo: 1)[0]) } }
        try writer.writeAll([1, 2])
      }
      try hold(log.entries.sorted() == [1, 2], "\(log.entries)")
    }
  }

  @Test func aReadThatIsNotChosenHasTakenNothing() throws {
    try underEverySchedule {
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        let other = Condition()
        nursery.goAsync { try writer.writeAll([1]) }
        nursery.goAsync { other.signal() }
        let first = try reader.readOp(upTo: 1).or(other.waitOp().wrap { [] }).perform()
        if first.isEmpty { try hold(reader.read(upTo: 1) == [1], "the byte is lost") }
        try hold(first.isEmpty || first == [1], "\(first)")
      }
    }
  }

  @Test func aReadThatIsCancelledHasTakenNothing() throws {
    try underEverySchedule {
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        let fiber = nursery.goAsync { try reader.read(upTo: 1) }
        nursery.goAsync { fiber.cancel() }
        try writer.writeAll([1])
        do {
          try hold(fiber.wait() == [1], "another byte")
        } catch is CancellationError {
          try hold(reader.read(upTo: 1) == [1], "the byte is lost")
        }
      }
    }
  }

  @Test func aCloseReachesReadersPresentAndFuture() throws {
    try underEverySchedule {
      let closed = Counter()
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        for _ in 0..<2 {
          nursery.goAsync { do { _ = try reader.read(upTo: 1) } catch is StreamClosedError { closed.add() } }
        }
        reader.close()
        _ = writer
      }
      try hold(closed.value == 2, "\(closed.value)")
    }
  }

  @Test func aWriterThatFindsNoRoomGoesOnWhenThereIs() throws {
    let bytes = [UInt8](repeating: 7, count: 70_000)  // a pipe has room for 65,536
    try underEverySchedule {
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        nursery.goAsync {
          try writer.writeAll(bytes)
          writer.close()
        }
        var count = 0
        while true {
          let found = try reader.read(upTo: 65_536).count
          if found == 0 { break }
          count += found
        }
        try hold(count == bytes.count, "\(count)")
      }
    }
  }
}
