import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Lines of streams, files and commands, and changes of files.
@Suite struct PipelineSourceTests {
  private func write(_ text: String, to path: String) throws {
    let file = try FileStream(path, .write, [.create, .truncate])
    defer { file.close() }
    try Array(text.utf8).withUnsafeBytes { try file.writeAll($0) }
  }

  #if os(Linux)
    /// Whether this process has the file open.
    private func isOpen(_ path: String) -> Bool {
      names(in: "/proc/self/fd").contains { number in
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { target in
          let length = readlink("/proc/self/fd/\(number)", target.baseAddress!, target.count)
          return length > 0 && String(decoding: UnsafeRawBufferPointer(target).prefix(length), as: UTF8.self) == path
        }
      }
    }
  #endif

  @Test(arguments: parallelisms) func theLinesOfAStreamComeOneAfterAnother(workers: Int) throws {
    try virtually(workers) {
      let flow = Flow.lines(of: MemoryReader(Array("one\ntwo\r\nthree".utf8)))
      try expectEqual(flow.buffer(2).map { $0.count }.collect(), [3, 3, 5])
      let long = Flow.lines(of: MemoryReader(Array("a\nbcdef\n".utf8)), limit: 3)
      var lines: [String] = []
      expectThrows(LineTooLongError.self) { try long.forEach { lines.append($0) } }
      #expect(lines == ["a"])
    }
  }

  @Test func aFileIsOpenedByEachRunAndClosedAtItsEnd() throws {
    try withDirectory { directory in
      try runFibers {
        let path = "\(directory)/lines"
        try write("one\ntwo\nthree\n", to: path)
        let flow = Flow.lines(ofFile: path)
        for _ in 0..<2 {
          try expectEqual(flow.collect(), ["one", "two", "three"])
          try expectEqual(flow.buffer(1).prefix(1).collect(), ["one"])
        }
        #if os(Linux)
          try flow.forEach { _ in #expect(isOpen(path)) }
          #expect(!isOpen(path))
        #endif
        let missing = expectThrows(SystemError.self) { try Flow.lines(ofFile: "\(directory)/none").collect() }
        #expect("\(missing!)".contains("none"))
      }
    }
  }

  @Test func theOutputOfACommandIsReadAndTheCommandAwaited() throws {
    try runFibers {
      let words = Flow.lines(of: Command("printf", "b\\na\\nb\\n") | Command("sort") | Command("uniq"))
      try expectEqual(words.collect(), ["a", "b"])
      var lines: [String] = []
      let failed = expectThrows(CommandFailedError.self) {
        try Flow.lines(of: Command("sh", "-c", "echo one; exit 3")).forEach { lines.append($0) }
      }
      #expect(failed?.statuses.first?.isSuccess == false)
      #expect(lines == ["one"])
      // It never ends by itself.
      try expectEqual(Flow.lines(of: Command("yes")).buffer(4).prefix(2).collect(), ["y", "y"])
    }
  }

  #if os(Linux)
    @Test func theChangesOfADirectoryAreReported() throws {
      try withDirectory { directory in
        try runFibers {
          let changes = try FileChanges(at: [directory])
          try write("one", to: "\(directory)/file")
          var kinds: FileChange.Kind = []
          while !kinds.contains(.written) {
            let change = try changes.wait()
            #expect(change.path == "\(directory)/file")
            kinds.formUnion(change.kind)
          }
          #expect(kinds == [.created, .modified, .written])
          try expectEqual(changes.waitOp().poll(), nil)
          // An operation that loses takes nothing.
          try write("two", to: "\(directory)/file")
          try expectEqual(Op.biased([.always(1), changes.waitOp().wrap { _ in 2 }]).perform(), 1)
          try expectEqual(changes.wait().kind, .modified)
          changes.close()
          let closed = expectThrows(StreamClosedError.self) { while true { _ = try changes.wait() } }
          #expect("\(closed!)".hasPrefix("the changes of files has been closed"))
        }
      }
    }

    @Test func aFlowOfChangesEndsWhenNothingIsLeft() throws {
      try withDirectory { directory in
        try runFibers {
          let path = "\(directory)/file"
          try write("one", to: path)
          var kinds: FileChange.Kind = []
          try withNursery { nursery in
            try withPipeline(Flow.fileChanges(at: path)) { changes in
              try write("two", to: path)
              nursery.goAsync { _ = try Command("rm", path).run() }
              for change in changes {
                #expect(change.path == path)
                kinds.formUnion(change.kind)
              }
            }
          }
          #expect(kinds.contains(.written))
          #expect(!kinds.isDisjoint(with: .gone))
          // Left early.
          let endless = Flow.fileChanges(at: directory).buffer(2)
          try expectEqual(withTimeoutOrNil(.milliseconds(1)) { try endless.collect() }, nil)
          let missing = expectThrows(SystemError.self) { try Flow.fileChanges(at: path).collect() }
          #expect("\(missing!)".contains("watch \(path)"))
        }
      }
    }

    @Test func fibersThatWaitShareTheChanges() throws {
      try withDirectory { directory in
        try runFibers(Configuration(parallelism: 2)) {
          let changes = try FileChanges(at: [directory])
          let seen = Counter()
          try withNursery { nursery in
            for _ in 0..<3 { nursery.goAsync { for _ in changes { if seen.add() == 9 { changes.close() } } } }
            for number in 0..<3 { try write("x", to: "\(directory)/\(number)") }
          }
          #expect(seen.value >= 9)
        }
      }
    }
  #endif
}
