import Nursery
import Testing

/// A call without waiting asks the kernel, whatever an earlier call found.
struct TryingTests {
  private func bytes(_ count: Int, from stream: UnixStream) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    guard let read = try bytes.withUnsafeMutableBytes({ try stream.tryRead(into: $0) }) else { return nil }
    return Array(bytes.prefix(read))
  }

  /// No fiber waits in between, so no event reports the bytes.
  @Test(arguments: World.all) func bytesThatComeAfterAnEmptyReadAreRead(world: World) throws {
    try world.run { nursery in
      let (left, right) = try UnixStream.pair()
      // A descriptor that a fiber has waited for is registered.
      let first = nursery.goAsync { try right.read(upTo: 64) }
      waitUntilAllParked()
      try left.writeAll("1")
      expectEqual(try first.wait(), Array("1".utf8))
      for _ in 0..<3 {
        expectEqual(try bytes(64, from: right), nil)
        try left.writeAll("2")
        expectEqual(try bytes(64, from: right), Array("2".utf8))
        expectEqual(try right.readOp(upTo: 64).poll(), nil)
        try left.writeAll("3")
        expectEqual(try right.readOp(upTo: 64).poll(), Array("3".utf8))
      }
    }
  }

  @Test(arguments: World.all) func roomThatHasBecomeFreeIsFound(world: World) throws {
    try world.run { nursery in
      let (left, right) = try UnixStream.pair()
      let block = [UInt8](repeating: 7, count: 65_536)
      func fill() throws { while try block.withUnsafeBytes({ try left.tryWrite($0) }) != nil {} }
      func drain() throws { while try bytes(65_536, from: right) != nil {} }
      try fill()
      let waiter = nursery.goAsync { try block.withUnsafeBytes { try left.write($0) } }
      waitUntilAllParked()
      try drain()
      _ = try waiter.wait()
      for _ in 0..<3 {
        try fill()
        try drain()
        expectEqual(try block.withUnsafeBytes { try left.tryWrite($0) } == nil, false)
      }
    }
  }
}
