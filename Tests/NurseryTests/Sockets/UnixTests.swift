import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct UnixTests {
  private static let numbers = Counter()
  private func freshPath() -> String { "/tmp/nursery-test-\(getpid())-\(Self.numbers.add()).sock" }

  @Test(arguments: World.all) func aPathCanBeListenedOn(world: World) throws {
    try world.run { nursery in
      let path = freshPath()
      let listener = try UnixListener(path: path)
      let client = try UnixStream.connect(to: listener.address)
      let server = try listener.accept()
      try client.writeAll("hello")
      expectEqual(try server.read(upTo: 10), Array("hello".utf8))
      expectThrows(SystemError.self) { try UnixListener(path: path) }
      listener.close()
      expectEqual(access(path, F_OK), -1)
    }
  }

  @Test func aPathThatACrashHasLeftIsReplaced() throws {
    try runFibers {
      let path = freshPath()
      do {
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
          }
        }
        #expect(result == 0)
        close(dead)
      }
      let listener = try UnixListener(path: path)
      _ = try UnixStream.connect(to: listener.address)
    }
  }

  @Test func whatIsNoSocketIsNotReplaced() throws {
    try withDirectory { directory in
      try runFibers {
        let path = "\(directory)/file"
        _ = try FileStream(path, .write, [.create])
        symlink(path, "\(directory)/link")
        for path in [path, "\(directory)/link"] {
          let error = expectThrows(SystemError.self) { try UnixListener(path: path) }
          expectEqual(
            error?.description,
            "could not listen on \(path): there is something that is no socket; remove it, or choose another path: "
              + "Address already in use (98)")
        }
      }
      #expect(names(in: directory) == ["file", "link"])
    }
  }

  @Test func aListenerThatIsClosedLeavesItsSuccessorsPath() throws {
    try withDirectory { directory in
      try runFibers {
        let path = "\(directory)/socket"
        let first = try UnixListener(path: path)
        unlink(path)
        let second = try UnixListener(path: path)
        first.close()
        _ = try UnixStream.connect(to: second.address)
        second.close()
      }
      #expect(names(in: directory) == [])
    }
  }

  @Test func namesAndErrors() throws {
    try runFibers {
      let name = "nursery-test-\(getpid())"
      let listener = try UnixListener(abstractName: name)
      #expect(listener.address == .abstract(name: name))
      let client = try UnixStream.connect(to: .abstract(name: name))
      #expect(client.description == "the Unix stream to @\(name)")
      let long = String(repeating: "x", count: 200)
      expectThrows(SystemError.self) { try UnixListener(path: long) }
      let none = expectThrows(SystemError.self) { try UnixStream.connect(to: .unix(path: "/nowhere")) }
      #expect(none?.description == "could not connect to /nowhere: No such file or directory (2)")
    }
  }

  @Test(arguments: World.all) func aDescriptorIsPassedOn(world: World) throws {
    try world.run { nursery in
      let (left, right) = try UnixStream.pair()
      let (reader, writer) = try PipeStream.pair()
      let receiver = nursery.goAsync { try right.receiveDescriptor(upTo: 10) }
      expectEqual(try left.send(descriptor: writer.fileDescriptor, with: [7, 8]), 2)
      let (bytes, descriptor) = try receiver.wait()
      expectEqual(bytes, [7, 8])
      let received = try PipeStream(adopting: try #require(descriptor))
      writer.close()
      try received.writeAll("through")
      received.close()
      expectEqual(try reader.readToEnd(), Array("through".utf8))
      // Without a descriptor there is none.
      try left.writeAll("x")
      expectEqual(try right.receiveDescriptor(upTo: 10).descriptor, nil)
    }
  }
}
