import Nursery
import Testing

/// No byte is lost or doubled, however the calls that read and write end.
struct LosslessStreamTests {
  enum Kind: String, CaseIterable { case tcp, unix, pipe }

  private static func pair(_ kind: Kind) throws -> (any WritableStream, any ReadableStream) {
    switch kind {
    case .tcp:
      var options = SocketOptions()
      options.sendBufferSize = 8192
      options.receiveBufferSize = 8192
      return try connectedStreams(options)
    case .unix: return try UnixStream.pair()
    case .pipe:
      let (reader, writer) = try PipeStream.pair()
      return (writer, reader)
    }
  }

  @Test(arguments: World.all, Kind.allCases) func timeoutsLoseAndDoubleNoByte(world: World, kind: Kind) throws {
    let bytes = pattern(200_000, seed: 7)
    let received = try world.run { nursery in
      let (writer, reader) = try Self.pair(kind)
      nursery.goAsync {
        var rest = bytes[...]
        var turn = 0
        while !rest.isEmpty {
          turn += 1
          let piece = Array(rest.prefix(1 + turn * 37 % 9000))
          do {
            rest = rest.dropFirst(
              try writer.writeOp(piece).orTimeout(after: .microseconds(turn * 13 % 60)).perform())
          } catch is TimeoutError {}
        }
        writer.close()
      }
      var received: [UInt8] = []
      var turn = 0
      while true {
        turn += 1
        do {
          let piece: [UInt8]? = try choose(
            reader.readOp(upTo: 1 + turn * 41 % 5000).wrap { $0 },
            sleepOp(for: .microseconds(turn * 17 % 50)).wrap { nil })
          guard let piece else { continue }
          if piece.isEmpty { return received }
          received += piece
        }
      }
    }
    #expect(received == bytes)
  }

  /// The other side is outside the cancelled scope; the interrupted side goes on in a shield.
  @Test(arguments: Kind.allCases) func aReaderThatIsCancelledAtAnyCallLosesNoByte(kind: Kind) throws {
    let bytes = pattern(60, seed: 3)
    let calls = try exploreCancellations {
      let (writer, reader) = try Self.pair(kind)
      goAsync {
        for start in stride(from: 0, to: bytes.count, by: 7) {
          try writer.writeAll(Array(bytes[start..<min(start + 7, bytes.count)]))
          Fiber.yield()
        }
        writer.close()
      }
      return Transfer(reader)
    } body: { transfer in
      while true {
        let piece =
          try (try? transfer.stream.read(upTo: 11)) ?? withShield { try transfer.stream.read(upTo: 11) }
        if piece.isEmpty { break }
        transfer.received.withLock { $0 += piece }
      }
    } check: { transfer, _ in
      expectEqual(transfer.received.withLock { $0 }, bytes)
    }
    #expect(calls > 5)
  }

  @Test(arguments: Kind.allCases) func aWriterThatIsCancelledAtAnyCallDoublesNoByte(kind: Kind) throws {
    let bytes = pattern(60, seed: 3)
    let calls = try exploreCancellations {
      let (writer, reader) = try Self.pair(kind)
      let transfer = Transfer(writer)
      goAsync {
        let all = try reader.readToEnd()
        transfer.received.withLock { $0 = all }
        transfer.isDone.signal()
      }
      return transfer
    } body: { transfer in
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = Array(rest.prefix(7))
        rest = rest.dropFirst(
          try (try? transfer.stream.write(piece)) ?? withShield { try transfer.stream.write(piece) })
      }
    } check: { transfer, _ in
      transfer.stream.close()
      try transfer.isDone.wait()
      expectEqual(transfer.received.withLock { $0 }, bytes)
    }
    #expect(calls >= 9)
  }

  private final class Transfer<Stream: Sendable>: Sendable {
    let stream: Stream
    let received = Guarded<[UInt8]>([])
    let isDone = Condition()

    init(_ stream: Stream) { self.stream = stream }
  }
}
