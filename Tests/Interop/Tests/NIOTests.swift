import NIOCore
import NIOPosix
import Nursery
import Testing

/// swift-nio: fibers and event loops talk over loopback, and futures are operations.
struct NIOTests {
  /// A fiber waits for a future of an event loop.
  @Test func aFutureIsAnOperation() throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    try withNursery { _ in
      let slow = loop.scheduleTask(in: .milliseconds(5)) { "from the loop" }.futureResult
      let value = try choose(
        asyncOp { try await slow.get() }, timeoutOp(after: .seconds(60)).wrap { "late" })
      #expect(value == "from the loop")
    }
  }

  /// A fiber's connection to an echo server of NIO.
  @Test func aFiberTalksToAServerOfNIO() async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { $0.pipeline.addHandler(Echo()) }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = UInt16(server.localAddress!.port!)
    let answers = try await withNursery { nursery in
      try (0..<4).concurrentMap(limit: 4) { number in
        let connection = try TCPStream.connect(to: .ip(.loopback, port: port))
        try connection.writeAll("line \(number)\n")
        return try BufferedReader(connection).readLine()
      }
    }
    #expect(answers == (0..<4).map { "line \($0)" })
    try await server.close()
  }

  /// The inbound bytes of NIO's asynchronous channel as operations.
  @Test func aFiberChoosesAmongTheBytesOfAChannelOfNIO() async throws {
    let listener = try TCPListener(.loopback, port: 0)
    let port = listener.port
    let serving = Task {
      let connection = try await listener.accept()
      try await connection.writeAll("hello")
      connection.close()
    }
    let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: Int(port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let text = try await client.executeThenClose { inbound, _ in
      try await withNursery { nursery in
        let buffers = inbound.operations(in: nursery)
        var text = ""
        while let buffer = try buffers.nextOp().orTimeout(after: .seconds(60)).perform() {
          text += String(buffer: buffer)
        }
        return text
      }
    }
    #expect(text == "hello")
    try await serving.value
  }
}

private final class Echo: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }
}
