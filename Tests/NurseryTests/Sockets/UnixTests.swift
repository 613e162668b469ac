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

  @Test func aPathThatIsNoSocketIsNotReplaced() throws {
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
      for path in ["", "\0name", "a\0b"] {
        let error = expectThrows(SystemError.self) { try UnixListener(path: path) }
        expectEqual(error?.description.contains("write .abstract(name:) for one without a file"), true)
        expectThrows(SystemError.self) { try UnixStream.connect(to: .unix(path: path)) }
      }
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
      // Bytes without a descriptor.
      try left.writeAll("x")
      expectEqual(try right.receiveDescriptor(upTo: 10).descriptor, nil)
    }
  }

  /// Sends any number of descriptors in one message.
  private func send(_ descriptors: [Int32], by socket: Int32) {
    struct Header {
      var length: Int
      var level: Int32
      var type: Int32
    }
    let size = MemoryLayout<Header>.size + 4 * descriptors.count
    let control = UnsafeMutableRawPointer.allocate(byteCount: size + 8, alignment: 8)
    defer { control.deallocate() }
    control.storeBytes(of: Header(length: size, level: SOL_SOCKET, type: 1), as: Header.self)
    for (place, descriptor) in descriptors.enumerated() {
      control.storeBytes(of: descriptor, toByteOffset: MemoryLayout<Header>.size + 4 * place, as: Int32.self)
    }
    var byte: UInt8 = 7
    withUnsafeMutableBytes(of: &byte) { bytes in
      var part = iovec(iov_base: bytes.baseAddress, iov_len: 1)
      withUnsafeMutablePointer(to: &part) { part in
        var message = msghdr()
        message.msg_iov = part
        message.msg_iovlen = 1
        message.msg_control = control
        message.msg_controllen = numericCast(size)
        #expect(sendmsg(socket, &message, 0) == 1)
      }
    }
  }

  @Test func severalDescriptorsAtOnceAreAnErrorAndNoneIsKept() throws {
    try runFibers {
      let (left, right) = try UnixStream.pair()
      for count in 2...5 {
        let (reader, writer) = try PipeStream.pair()
        send([Int32](repeating: writer.fileDescriptor, count: count), by: left.fileDescriptor)
        writer.close()
        let error = expectThrows(SystemError.self) { try right.receiveDescriptor(upTo: 10) }
        expectEqual(error?.code, EMSGSIZE)
        // The pipe reads as ended only if every copy of its writing end is closed.
        expectEqual(try reader.readOp(upTo: 1).orTimeout(after: .seconds(20)).perform(), [])
      }
      try left.writeAll("on")
      expectEqual(try right.receiveDescriptor(upTo: 10).bytes, Array("on".utf8))
    }
  }

  @Test func aDescriptorThatFindsNoNumberIsAnError() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        try runFibers {
          let (left, right) = try UnixStream.pair()
          expectEqual(try left.send(descriptor: 0, with: [1]), 1)
          let free = dup(0)
          close(free)
          var limit = rlimit()
          getrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
          limit.rlim_cur = numericCast(free)
          setrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
          let error = expectThrows(SystemError.self) { try right.receiveDescriptor(upTo: 10) }
          expectEqual(error?.code, EMFILE)
        }
      }
    }
  }
}
