#if os(Linux)
  import Glibc
  import Nursery
  import Testing

  /// Descriptors of this process that are passed to children: the child's calls block, this process's do not.
  struct SharedDescriptorTests {
    /// More than any pipe, socket or terminal holds.
    private static let numbers = 60_000
    private static let text = (1...numbers).map { "\($0)\n" }.joined()

    /// Starts a child that writes more than fits, and reads its output; the child waits for room meanwhile.
    private func expectAll(from stream: some ReadableStream, written shared: Int32, else close: () -> Void) throws {
      try withNursery { _ in
        let child = try Command("seq", "1", "\(Self.numbers)", output: .descriptor(shared)).start()
        close()
        var bytes: [UInt8] = []
        while bytes.count < Self.text.utf8.count {
          let more = try stream.read(upTo: 1 << 16)
          if more.isEmpty { break }
          bytes += more.filter { $0 != UInt8(ascii: "\r") }
        }
        expectEqual(String(decoding: bytes, as: UTF8.self) == Self.text, true)
        expectEqual(try child.wait(), .exited(0))
      }
    }

    /// Starts a child that reads before any byte is available.
    private func expectEcho(of stream: some WritableStream, read shared: Int32) throws {
      try withNursery { _ in
        let child = try Command("head", "-n", "1", input: .descriptor(shared), output: .pipe).start()
        try sleep(for: .milliseconds(50))
        try stream.writeAll("hello\n")
        expectEqual(String(decoding: try child.output!.read(upTo: 100), as: UTF8.self), "hello\n")
        expectEqual(try child.wait(), .exited(0))
      }
    }

    @Test func aPipeOfOursBlocksInAChild() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let (reader, writer) = try PipeStream.pair()
        try expectAll(from: reader, written: writer.fileDescriptor) { writer.close() }
        let (childs, ours) = try PipeStream.pair()
        try expectEcho(of: ours, read: childs.fileDescriptor)
        expectEqual(try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { try childs.tryRead(into: $0) }, nil)
      }
    }

    @Test func aConnectionOfOursBlocksInAChildAndNotHere() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let listener = try TCPListener(port: 0)
        let client = try TCPStream.connect(to: listener.address)
        let server = try listener.accept()
        try expectNotBlockingHere(client, server)
        let (first, second) = try UnixStream.pair()
        try expectNotBlockingHere(first, second)
      }
    }

    private func expectNotBlockingHere(_ shared: SocketStream, _ other: SocketStream) throws {
      try expectAll(from: other, written: shared.fileDescriptor) {}
      try expectEcho(of: other, read: shared.fileDescriptor)
      expectEqual(fcntl(shared.fileDescriptor, F_GETFL) & O_NONBLOCK, 0)
      // The description is still shared, and blocking. If our calls relied on its flag, this would never end.
      var byte: UInt8 = 0
      expectEqual(try withUnsafeMutableBytes(of: &byte) { try shared.tryRead(into: $0) }, nil)
      let block = [UInt8](repeating: 0, count: 1 << 16)
      var written = 0
      while let count = try block.withUnsafeBytes({ try shared.tryWrite($0) }) { written += count }
      try withNursery { nursery in
        nursery.goAsync { try shared.writeAll(block) }
        while written + block.count > 0 {
          let count = try other.read(upTo: 1 << 16).count
          written -= count
        }
      }
    }

    @Test func aTerminalOfOursBlocksInAChild() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let ends = try System.makeTerminal(rows: 24, columns: 80)
        let screen = try PipeStream(adopting: ends.own, name: "a screen")
        let terminal = try PipeStream(adopting: ends.childs, name: "a terminal")
        try expectAll(from: screen, written: terminal.fileDescriptor) {}
        expectEqual(fcntl(ends.childs, F_GETFL) & O_NONBLOCK, O_NONBLOCK)
      }
    }

    @Test func twoDescriptorsOfAChildThatAreOneStayOne() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let (reader, writer) = try PipeStream.pair()
        var command = Command("sh", "-c", "echo out; echo err >&2; echo three >&3")
        command.output = .descriptor(writer.fileDescriptor)
        command.error = .output
        command.descriptors = [3: writer.fileDescriptor]
        try command.run().requireSuccess()
        expectEqual(String(decoding: try reader.read(upTo: 100), as: UTF8.self), "out\nerr\nthree\n")
      }
    }

    @Test func aSocketThatIsNotOursStaysAsItIs() throws {
      var ends: [Int32] = [0, 0]
      #expect(socketpair(AF_UNIX, numericCast(SOCK_STREAM.rawValue), 0, &ends) == 0)
      defer { ends.forEach { close($0) } }
      _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
      try Command("true", input: .descriptor(ends[0])).run().requireSuccess()
      #expect(fcntl(ends[0], F_GETFL) & O_NONBLOCK != 0)
    }
  }
#endif
