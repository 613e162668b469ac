#if os(Linux)
  import Glibc
  import Nursery
  import TestSupport
  import Testing

  /// The reactor for plain threads, when it cannot be started at first.
  ///
  /// In processes of their own, because the reactor is started once in a process.
  struct OutsideReactorTests {
    @Test func aPlainThreadThatFindsNoDescriptorToWaitWithMayTryAgain() async {
      await #expect(processExitsWith: .success) { try Scene.withoutDescriptors() }
    }

    @Test func aPlainThreadThatFindsNoThreadToWaitWithMayTryAgain() async {
      await #expect(processExitsWith: .success) { try Scene.withoutThreads() }
    }
  }

  /// The bodies of the processes.
  ///
  /// Not closures inside the macro's, which some compilers confuse (Swift 6.3.1).
  private enum Scene {
    static func withoutDescriptors() throws {
      let pipe = try pairWithoutReactor()
      let first = nextDescriptor()
      try expectFailureAndThenBytes(pipe, action: "make an", EMFILE) { attempt in
        try withLimit(RLIMIT_NOFILE, UInt(nextDescriptor()), attempt)
        // The attempts leave no descriptor open; other threads of the process may open a few meanwhile.
        #expect(nextDescriptor() < first + attempts)
      }
    }

    /// After the pipe's two descriptors none is left for a reactor.
    private static func pairWithoutReactor() throws -> (PipeStream, PipeStream) {
      for _ in 0..<100 {
        let free = (dup(0), dup(0))
        close(free.0)
        close(free.1)
        var pipe: (PipeStream, PipeStream)?
        // Another thread of the process may have taken one meanwhile.
        try? withLimit(RLIMIT_NOFILE, UInt(free.1) + 1) { pipe = try PipeStream.pair() }
        if let pipe { return pipe }
      }
      throw SystemError(code: EMFILE, action: "make a pipe")
    }

    private static let attempts: Int32 = 16

    private static func nextDescriptor() -> Int32 {
      let next = dup(0)
      close(next)
      return next
    }

    static func withoutThreads() throws {
      // The limit does not apply to root.
      if geteuid() == 0 { expectEqual(setuid(65_534), 0) }
      try expectFailureAndThenBytes(try PipeStream.pair(), action: "start a worker thread", EAGAIN) {
        try withLimit(__RLIMIT_NPROC, 1, $0)
      }
    }

    private static func expectFailureAndThenBytes(
      _ pipe: (PipeStream, PipeStream), action: String, _ code: Int32, _ limited: (() throws -> Void) throws -> Void
    ) throws {
      let (reader, writer) = pipe
      for _ in 0..<attempts {
        try limited {
          let error = expectThrows(SystemError.self) { try reader.read(upTo: 1) }
          expectEqual(error?.code, code)
          expectEqual(error?.action.hasPrefix(action), true)
        }
      }
      let thread = PlainThread { try reader.read(upTo: 1) }
      try writer.writeAll([7])
      expectEqual(try thread.join(), [7])
      let waiting = PlainThread { try reader.read(upTo: 1) }
      usleep(20_000)
      try writer.writeAll([8])
      expectEqual(try waiting.join(), [8])
      reader.close()
      writer.close()
    }

    private static func withLimit(_ resource: __rlimit_resource, _ value: UInt, _ body: () throws -> Void) throws {
      var limit = rlimit()
      getrlimit(numericCast(resource.rawValue), &limit)
      let before = limit
      limit.rlim_cur = value
      setrlimit(numericCast(resource.rawValue), &limit)
      limit = before
      defer { setrlimit(numericCast(resource.rawValue), &limit) }
      try body()
    }
  }
#endif
