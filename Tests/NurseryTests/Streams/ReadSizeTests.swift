import Testing

@testable import Nursery

/// How many bytes a read returns, and how much memory it takes.
@Suite struct ReadSizeTests {
  @Test func memoryFollowsWhatArrivesAndNotWhatIsAskedFor() throws {
    try virtually {
      let (reader, writer) = try PipeStream.pair()
      try writer.writeAll("pipe")
      expectEqual(try reader.read(upTo: .max), Array("pipe".utf8))
      try writer.writeAll("operation")
      expectEqual(try reader.readOp(upTo: .max).perform(), Array("operation".utf8))
      expectEqual(try MemoryReader("memory").read(upTo: .max), Array("memory".utf8))
      let buffered = BufferedReader(MemoryReader("buffered"))
      expectEqual(try buffered.read(upTo: .max), Array("buffered".utf8))
      expectEqual(try buffered.peek(.max), [])
      let (first, second) = try UnixStream.pair()
      try first.writeAll("socket")
      expectEqual(try second.read(upTo: .max), Array("socket".utf8))
      try first.writeAll("none")
      expectEqual(try second.receiveDescriptor(upTo: .max).bytes, Array("none".utf8))
      let receiver = try UDPSocket(.loopback)
      try UDPSocket(.loopback).send(Array("datagram".utf8), to: receiver.address)
      expectEqual(try receiver.receive(upTo: .max).bytes, Array("datagram".utf8))
      expectEqual(try FileStream("/dev/zero").read(upTo: .max).count, 1 << 20)
    }
  }

  @Test func aFileIsReadAtAnOffsetUpToItsEnd() throws {
    try withDirectory { directory in
      let bytes = pattern(3_000_000)
      try virtually {
        let file = try FileStream("\(directory)/file", .readWrite, [.create])
        try file.writeAll(bytes)
        expectEqual(isSame(try file.read(upTo: .max, at: 0), bytes), true)
        expectEqual(try file.read(upTo: .max, at: 2_999_998).count, 2)
        expectEqual(try file.read(upTo: .max, at: 5_000_000), [])
        expectEqual(try file.read(upTo: 0, at: 0), [])
        expectEqual(try FileStream("/proc/self/status").read(upTo: .max, at: 0).isEmpty, false)
      }
    }
  }

  @Test func skippingFarTwiceIsSkippingToTheEnd() throws {
    try virtually {
      let reader = BufferedReader(MemoryReader("abc"))
      reader.skip(.max)
      reader.skip(.max)
      expectThrows(UnexpectedEndError.self) { try reader.readExactly(1) }
    }
  }

  @Test func aNegativeNumberOfBytesStopsTheProgram() async {
    await #expect(processExitsWith: .failure) {
      try synchronously { _ = try PipeStream.pair().reader.read(upTo: -1) }
    }
    await #expect(processExitsWith: .failure) {
      try synchronously { _ = try PipeStream.pair().reader.readOp(upTo: -1).poll() }
    }
    await #expect(processExitsWith: .failure) {
      try synchronously { _ = try FileStream("/proc/self/status").read(upTo: -1, at: 0) }
    }
    await #expect(processExitsWith: .failure) {
      try synchronously { _ = try BufferedReader(MemoryReader("a")).read(upTo: -1) }
    }
  }
}
