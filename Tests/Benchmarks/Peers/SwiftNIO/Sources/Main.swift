import NIOCore
import NIOPosix

/// `SwiftNIOServer PORT THREADS`: SwiftNIO's echo server, until ended by a signal.
///
/// The straight-line way that its documentation shows: an async channel and a child task per connection. So many
/// threads run event loops; the tasks run on Swift concurrency's own, at most one per processor that the driver leaves
/// to the program.
@main
struct SwiftNIOServer {
  typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    guard arguments.count == 2 else {
      print("usage: SwiftNIOServer PORT THREADS")
      return
    }
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: arguments[1]))
      .serverChannelOption(.backlog, value: 4096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .bind(host: "127.0.0.1", port: arguments[0]) { channel in
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
      }
    try await withThrowingDiscardingTaskGroup { group in
      try await listener.executeThenClose { connections in
        for try await connection in connections {
          group.addTask { await echo(connection) }
        }
      }
    }
  }

  static func echo(_ connection: Connection) async {
    // A connection that fails is no reason to end the others.
    try? await connection.executeThenClose { inbound, outbound in
      for try await buffer in inbound { try await outbound.write(buffer) }
    }
  }
}
