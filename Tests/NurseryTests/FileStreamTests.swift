import Testing

@testable import Nursery

/// Files, read and written in two ways: directly, if the kernel has the data in memory, and by the blocking pool.
@Suite struct FileStreamTests {
  static let ways = ["at once", "by the pool"]

  /// Opens a file; in the second way the pool makes all calls.
  private func open(
    _ path: String, _ access: FileStream.Access = .read, _ options: FileStream.Options = [], way: String
  ) throws -> FileStream {
    let file = try FileStream(path, access, options)
    if way != Self.ways[0] {
      file.canReadNow.store(false, ordering: .relaxed)
      file.canWriteNow.store(false, ordering: .relaxed)
    }
    return file
  }

  private func contents(_ file: FileStream, pieces: Int = 10_000) throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let piece = try file.read(upTo: pieces)
      if piece.isEmpty { return all }
      all += piece
    }
  }

  @Test(arguments: ways) func writtenBytesAreRead(way: String) throws {
    try withDirectory { directory in
      let bytes = pattern(1_500_000)
      try virtually {
        let output = try open("\(directory)/file", .write, [.create], way: way)
        try output.writeAll(bytes)
        expectEqual(output.position, 1_500_000)
        expectEqual(try output.size(), 1_500_000)
        output.close()
        let input = try open("\(directory)/file", way: way)
        expectEqual(try contents(input) == bytes, true)
        expectEqual(try input.read(upTo: 1), [])
        expectEqual(input.position, 1_500_000)
      }
    }
  }

  @Test(arguments: ways) func thePositionIsOneForReadingAndWriting(way: String) throws {
    try withDirectory { directory in
      try virtually {
        let file = try open("\(directory)/file", .readWrite, [.create], way: way)
        try file.writeAll("hello, world")
        try file.seek(to: 7)
        expectEqual(try file.read(upTo: 3), Array("wor".utf8))
        try file.writeAll("k!")
        expectEqual(file.position, 12)
        try file.seek(to: 0)
        expectEqual(String(decoding: try file.read(upTo: 100), as: UTF8.self), "hello, work!")
        try file.seek(to: 20)
        try file.writeAll("x")
        expectEqual(try file.read(upTo: 9, at: 12), [0, 0, 0, 0, 0, 0, 0, 0, 120])
      }
    }
  }

  @Test(arguments: ways) func bytesReadAheadAreDiscardedAfterAWrite(way: String) throws {
    try withDirectory { directory in
      try virtually {
        let file = try open("\(directory)/file", .readWrite, [.create], way: way)
        try file.writeAll("aaaaaaaa")
        try file.seek(to: 0)
        expectEqual(try file.read(upTo: 2), Array("aa".utf8))
        try file.write(Array("bbbb".utf8), at: 3)
        expectEqual(try file.read(upTo: 2), Array("ab".utf8))
        try file.truncate(to: 5)
        expectEqual(try file.read(upTo: 9), Array("b".utf8))
        try file.seek(to: 1)
        try file.writeAll("c")
        expectEqual(try file.read(upTo: 9), Array("abb".utf8))
        expectEqual(try file.size(), 5)
      }
    }
  }

  @Test(arguments: ways) func aReadThatLosesHasReadNothing(way: String) throws {
    try withDirectory { directory in
      let bytes = pattern(500_000)
      try virtually {
        try open("\(directory)/file", .write, [.create], way: way).writeAll(bytes)
        let file = try open("\(directory)/file", way: way)
        var all: [UInt8] = []
        for round in 0... {
          let end = try choose(
            file.readOp(upTo: 7_000).wrap { Optional($0) }, Op.always(nil),
            file.readOp(upTo: 3_000).orTimeout(after: .zero).recover { _ in [1] }.wrap { $0 == [1] ? nil : $0 })
          let piece: [UInt8]
          if let end { piece = end } else if round % 3 == 0 { piece = try file.read(upTo: 900) } else { continue }
          if piece.isEmpty { break }
          all += piece
        }
        expectEqual(all == bytes, true)
      }
    }
  }

  @Test(arguments: ways) func everyByteArrivesWhereverReadsAreCancelled(way: String) throws {
    try withDirectory { directory in
      let bytes = pattern(200_000)
      try virtually { try open("\(directory)/file", .write, [.create], way: way).writeAll(bytes) }
      let calls = try exploreCancellations {
        (file: try open("\(directory)/file", way: way), read: Log<[UInt8]>())
      } body: { state in
        let (file, read) = state
        while true {
          let piece = try file.read(upTo: 70_000)
          if piece.isEmpty { break }
          read.append(piece)
        }
      } check: { state, isCompleted in
        let (file, read) = state
        let rest = try contents(file)
        if Array(read.entries.joined()) + rest != bytes || isCompleted && !rest.isEmpty { throw Oops() }
      }
      #expect(calls >= 4)
    }
  }

  @Test(arguments: ways) func aCancelledWriteHasWrittenNothing(way: String) throws {
    try withDirectory { directory in
      let calls = try exploreCancellations {
        (file: try open("\(directory)/file", .readWrite, [.create, .truncate], way: way), written: Log<[UInt8]>())
      } body: { state in
        let (file, written) = state
        for number in UInt8(0)..<5 {
          let part = [UInt8](repeating: number, count: 1000)
          let count = try file.write(part)
          written.append(Array(part.prefix(count)))
        }
      } check: { state, _ in
        let (file, written) = state
        if file.position != Int64(written.entries.joined().count) { throw Oops(1) }
        try file.seek(to: 0)
        if try contents(file) != Array(written.entries.joined()) { throw Oops(2) }
      }
      #expect(calls >= 5)
    }
  }

  @Test func everyAppenderWritesAtTheEnd() throws {
    try withDirectory { directory in
      try virtually {
        try FileStream("\(directory)/log", .write, [.create]).writeAll("one\n")
        let first = try FileStream("\(directory)/log", .append)
        let second = try FileStream("\(directory)/log", .append)
        expectEqual(first.position, 4)
        try first.writeAll("two\n")
        try second.writeAll("three\n")
        try first.writeAll("four\n")
        expectEqual(first.position, 19)
        let text = try FileStream("\(directory)/log").read(upTo: 100)
        expectEqual(String(decoding: text, as: UTF8.self), "one\ntwo\nthree\nfour\n")
      }
    }
  }

  @Test func positionedCallsOfManyFibersDoNotMindEachOther() throws {
    try withDirectory { directory in
      try runFibers(Configuration(parallelism: 2)) {
        let file = try FileStream("\(directory)/file", .readWrite, [.create])
        try withNursery { nursery in
          for number in 0..<100 {
            nursery.goAsync { try file.write([UInt8](repeating: UInt8(number), count: 5000), at: Int64(number) * 5000) }
          }
        }
        try withNursery { nursery in
          for number in 0..<100 {
            nursery.goAsync {
              let found = try file.read(upTo: 5000, at: Int64(number) * 5000)
              if found != [UInt8](repeating: UInt8(number), count: 5000) { throw Oops(number) }
            }
          }
        }
        expectEqual(file.position, 0)
        try file.sync()
        try file.sync(dataOnly: true)
      }
    }
  }

  // MARK: Closing

  @Test func aClosedFileSaysSo() throws {
    try withDirectory { directory in
      try virtually {
        let file = try FileStream("\(directory)/file", .readWrite, [.create])
        file.close()
        file.close()
        let error = StreamClosedError(stream: "the file \(directory)/file")
        expectThrows(error) { try file.read(upTo: 1) }
        expectThrows(error) { try file.writeAll("x") }
        expectThrows(error) { try file.read(upTo: 1, at: 0) }
        expectThrows(error) { try file.write([1], at: 0) }
        expectThrows(error) { try file.size() }
        expectThrows(error) { try file.sync() }
        expectThrows(error) { try file.truncate(to: 0) }
        expectEqual(file.isClosed, true)
      }
    }
  }

  @Test func theNurseryClosesWhatWasOpenedInIt() throws {
    try withDirectory { directory in
      try virtually {
        let files = Log<FileStream>()
        try withNursery { _ in files.append(try FileStream("\(directory)/file", .write, [.create])) }
        expectEqual(files.entries.map(\.isClosed), [true])
      }
    }
  }

  // MARK: Other kinds of files

  @Test func devicesAreReadAndWritten() throws {
    try virtually {
      let zero = try FileStream("/dev/zero")
      expectEqual(zero.isSeekable, false)
      expectEqual(try zero.read(upTo: 3), [0, 0, 0])
      expectEqual(zero.position, 3)
      try FileStream("/dev/null", .write).writeAll("gone")
      expectEqual(try FileStream("/dev/null").read(upTo: 3), [])
      expectEqual(try contents(FileStream("/proc/self/status")).isEmpty, false)
    }
  }
}
