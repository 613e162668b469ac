import Testing

@testable import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Unusual states in which a process is started, or which it enters later; everything must still work.
///
/// Most run in a process of their own.
@Suite struct SurroundingsTests {
  @Test(.timeLimit(.minutes(1))) func aSignalThatWasBlockedAtTheStartIsReceived() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGUSR1)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        raise(SIGUSR1)
        try runFibers(Configuration(parallelism: 1)) {
          let listener = try SignalListener([.user1])
          if try listener.wait() != .user1 { exit(3) }
          // Sent to this thread, which has blocked it.
          raise(SIGUSR1)
          if try listener.wait() != .user1 { exit(4) }
        }
      }
    }
  }

  @Test func aListenersPathIsRemovedWhereverTheProcessHasGone() async {
    await #expect(processExitsWith: .success) {
      try withDirectory { directory in
        if chdir(directory) != 0 { exit(3) }
        let listener = try UnixListener(path: "socket")
        try FileStream("a", .write, [.create]).writeAll("contents")
        if names(in: directory) != ["a", "socket"] { exit(4) }
        if chdir("/") != 0 { exit(5) }
        listener.close()
        if names(in: directory) != ["a"] { exit(6) }
      }
    }
  }

  @Test func aFiberWaitsForADescriptorAlsoWhenNoneIsLeft() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        func waitWithoutDescriptors(_ placement: Placement) throws {
          let (reader, writer) = try PipeStream.pair()
          var taken: [Int32] = []
          while true {
            let number = dup(0)
            if number < 0 { break }
            taken.append(number)
          }
          try withNursery { nursery in
            let reading = nursery.goAsync(placement: placement) { try reader.read(upTo: 1) }
            waitUntilAllParked()
            try writer.writeAll("x")
            if try reading.wait() != [120] { exit(3) }
          }
          for number in taken { close(number) }
        }
        var limit = rlimit(rlim_cur: 60, rlim_max: 60)
        if setrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit) != 0 { exit(4) }
        for placement in [Placement.here, .spread] {
          try runFibers(Configuration(parallelism: 2)) { try waitWithoutDescriptors(placement) }
        }
        // Descriptors of a plain thread, too.
        let (reader, writer) = try PipeStream.pair()
        while dup(0) >= 0 {}
        let thread = PlainThread { try reader.read(upTo: 1) }
        letOthersRun()
        try writer.writeAll("y")
        if try thread.join() != [121] { exit(5) }
      }
    }
  }

  @Test func variablesAreTheSameIfTheirBytesAre() throws {
    let (composed, decomposed) = ("NURSERY_\u{e9}", "NURSERY_e\u{301}")
    setenv(decomposed, "inherited", 1)
    defer { unsetenv(decomposed) }
    var environment = CommandEnvironment.inheriting([composed: "set"])
    #expect(environment[composed] == "set")
    #expect(environment[decomposed] == nil)
    func entries() throws -> Set<[UInt8]> {
      Set(try environment.entries().map { $0.dropLast().map { UInt8(bitPattern: $0) } })
    }
    #expect(try entries().isSuperset(of: [Array("\(composed)=set".utf8), Array("\(decomposed)=inherited".utf8)]))
    environment[decomposed] = nil
    #expect(try entries().contains(Array("\(composed)=set".utf8)))
    #expect(try !entries().contains(Array("\(decomposed)=inherited".utf8)))
  }
}
