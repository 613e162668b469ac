import Nursery
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Dumps that signals ask for, each in a process of its own.
struct SignalDumpTests {
  @Test func eachSignalWritesADumpAndTheProgramGoesOn() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        let errors = CaughtErrors()
        try FiberDump.writeOnSignal(.quit)
        try FiberDump.writeOnSignal(.user1)
        try runFibers(Configuration(parallelism: 2)) {
          try withNursery("shop") { nursery in
            let numbers = Channel<Int>()
            let reader = nursery.goAsync("reader") { numbers.reduce(0, +) }
            for (count, signal) in [SIGQUIT, SIGUSR1, SIGQUIT].enumerated() {
              kill(getpid(), signal)
              errors.wait(for: count + 1, "fiber \"reader\" spawned at NurseryTests/SignalDumpTests.swift:")
              try numbers.send(count)
            }
            numbers.close()
            try expectEqual(reader.wait(), 3)
          }
        }
        #expect(errors.text.contains("  nursery \"shop\" opened at NurseryTests/SignalDumpTests.swift:"))
      }
    }
  }

  @Test func signalsThatComeTogetherAndOtherDumpsDoNotHinderEachOther() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        let errors = CaughtErrors()
        try FiberDump.writeOnSignal(.user1)
        try FiberDump.writeOnSignal(.user2)
        let isOver = Guarded(false)
        let takers = (0..<2).map { _ in
          PlainThread { while !isOver.withLock({ $0 }) { _ = FiberDump.all().description } }
        }
        try runFibers(Configuration(parallelism: 2)) {
          for round in 0..<10 {
            kill(getpid(), SIGUSR1)
            kill(getpid(), SIGUSR2)
            try withNursery("storm", placement: .spread) { nursery in
              let numbers = Channel<Int>()
              for _ in 0..<20 { nursery.goAsync { _ = try numbers.receive() } }
              for _ in 0..<20 { Fiber.yield() }
              nursery.cancel()
            }
            // A signal that comes while the same one is pending is one with it.
            errors.wait(for: round + 1, "the root fiber")
          }
        }
        isOver.withLock { $0 = true }
        for taker in takers { try taker.join() }
      }
    }
  }

  @Test func aConsoleAnswersWhileASignalWritesADump() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        let errors = CaughtErrors()
        try FiberDump.writeOnSignal(.user1)
        try withDirectory { directory in
          let path = "\(directory)/console"
          try runFibers(Configuration(parallelism: 2, console: .at(path))) {
            try withNursery("shop") { nursery in
              let numbers = Channel<Int>()
              for _ in 0..<50 { nursery.goAsync("reader") { for _ in numbers {} } }
              let client = try ConsoleClient(path)
              for round in 0..<10 {
                kill(getpid(), SIGUSR1)
                for command in ["dump", "tree", "suspects"] { #expect(try !client.text(command).isEmpty) }
                errors.wait(for: round + 1, "the root fiber")
              }
              numbers.close()
            }
          }
        }
      }
    }
  }
}

/// What the process writes to standard error from now on, until the end of this object.
private final class CaughtErrors {
  private let original: Int32
  private let reader: Int32
  private(set) var text = ""

  init() {
    var ends: [Int32] = [-1, -1]
    precondition(pipe(&ends) == 0, "no pipe")
    original = dup(2)
    dup2(ends[1], 2)
    close(ends[1])
    reader = ends[0]
  }

  deinit {
    dup2(original, 2)
    close(original)
    close(reader)
  }

  /// Blocks the thread until the words have been written so often.
  func wait(for count: Int, _ words: String) {
    while text.split(separator: words, omittingEmptySubsequences: false).count <= count {
      var buffer = [UInt8](repeating: 0, count: 4096)
      let read = read(reader, &buffer, buffer.count)
      precondition(read > 0, "no more is written")
      text += String(decoding: buffer[..<read], as: UTF8.self)
    }
  }
}
