import Nursery
import TestSupport
import Testing

/// What is reported when the last reference to a stream, or a writer, goes.
struct DroppedStreamTests {
  /// The lints of a run.
  private func lints(_ body: () throws -> Void) throws -> Log<Lint> {
    let found = Log<Lint>()
    let configuration = Configuration(
      parallelism: 1, lints: .to { if $0.kind == .droppedStream || $0.kind == .unflushedWriter { found.append($0) } })
    try runFibers(configuration, body)
    return found
  }

  private func expectHere(_ lint: Lint?, location: SourceLocation = #_sourceLocation) {
    #if DEBUG
      guard SourceLines.isAvailable else { return }
      let line = lint?.line ?? ""
      #expect(line.hasPrefix("NurseryTests/DroppedStreamTests.swift:"), "\(line)", sourceLocation: location)
      #expect(lint?.description.contains(" went at \(line) with ") == true, sourceLocation: location)
    #endif
  }

  /// Reports that are made after the run, on threads of their own, have been made when this one has.
  private func expectNone(_ body: () throws -> Void) throws {
    let found = try lints {
      try body()
      try Self.dropReader(Self.makeFullPipe())
    }
    expectSoon { !found.entries.isEmpty }
    #expect(found.entries.map(\.kind) == [.droppedStream])
  }

  private final class Pipe {
    var reader: PipeStream?
    let writer: PipeStream
    init(_ ends: (reader: PipeStream, writer: PipeStream)) {
      reader = ends.reader
      writer = ends.writer
    }
  }

  private static func makeFullPipe() throws -> Pipe {
    let pipe = Pipe(try PipeStream.pair())
    #expect(try pipe.writer.write([1, 2, 3]) == 3)
    return pipe
  }

  @inline(never) private static func dropReader(_ pipe: Pipe) { pipe.reader = nil }

  @Test func aPipesReadingEndThatIsDroppedWithUnreadBytesIsALint() throws {
    let found = try lints {
      let pipe = try Self.makeFullPipe()
      Self.dropReader(pipe)
      // What the lint warns of.
      expectThrows(SystemError.self) { try pipe.writer.write([4]) }
    }
    expectSoon { !found.entries.isEmpty }
    #expect(found.entries.map(\.kind) == [.droppedStream])
    let text = found.entries.first?.description ?? ""
    #expect(text.hasPrefix("the last reference to a pipe's reading end went at "))
    #expect(text.contains(" with 3 received bytes unread, and closed it: "))
    expectHere(found.entries.first)
  }

  private final class Connection {
    var stream: UnixStream?
    let peer: UnixStream
    init(_ ends: (UnixStream, UnixStream)) { (stream, peer) = ends }
  }

  @Test func aConnectionThatIsDroppedWithUnreadBytesIsALintOnceForItsLine() throws {
    let found = try lints {
      for _ in 0..<100 {
        let connection = Connection(try UnixStream.pair())
        try connection.peer.writeAll("an answer that is not read")
        connection.stream = nil
        expectThrows(SystemError.self) { try connection.peer.read(upTo: 8) }
      }
    }
    expectSoon { !found.entries.isEmpty }
    #expect(found.entries.map(\.kind) == [.droppedStream])
    #expect(found.entries.first?.description.contains(" with 26 received bytes unread, ") == true)
    expectHere(found.entries.first)
  }

  @Test func aStreamThatIsClosedOrReadToTheEndIsNoLint() throws {
    try expectNone {
      let closed = try Self.makeFullPipe()
      closed.reader?.close()
      closed.reader = nil
      let read = try Self.makeFullPipe()
      #expect(try read.reader?.read(upTo: 3) == [1, 2, 3])
      read.reader = nil
    }
  }

  @Test func aStreamWhoseOtherSideIsClosedIsNoLint() throws {
    try expectNone {
      let pipe = try Self.makeFullPipe()
      pipe.writer.close()
      pipe.reader = nil
      let connection = Connection(try UnixStream.pair())
      try connection.peer.writeAll("the last")
      connection.peer.close()
      connection.stream = nil
    }
  }

  @Test func aStreamThatACancelledFiberDropsIsNoLint() throws {
    try expectNone {
      try withCancelScope { scope in
        let pipe = try Self.makeFullPipe()
        scope.cancel()
        pipe.reader = nil
      }
    }
  }

  @Test func theEndOfItsNurseryClosesAStreamWithoutALint() throws {
    try expectNone {
      let pipe = try withNursery { _ in try Self.makeFullPipe() }
      #expect(pipe.reader?.isClosed == true)
      pipe.reader = nil
    }
  }

  /// So no wait ends because a reference goes.
  @Test func aFiberThatWaitsAndAnOperationKeepTheirStream() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let pipe = Pipe(try PipeStream.pair())
      weak let reader = pipe.reader
      try withNursery { nursery in
        let child = nursery.goAsync { [stream = pipe.reader!] in try stream.read(upTo: 1) }
        pipe.reader = nil
        Fiber.yield()
        #expect(reader?.isClosed == false)
        try pipe.writer.writeAll([7])
        #expect(try child.wait() == [7])
      }
      let other = Pipe(try PipeStream.pair())
      var op: Op<[UInt8]>? = other.reader!.readOp(upTo: 1)
      weak let kept = other.reader
      other.reader = nil
      #expect(kept?.isClosed == false)
      try other.writer.writeAll([8])
      #expect(try op?.perform() == [8])
      op = nil
      #expect(kept == nil)
    }
  }

  private final class Journal {
    var writer: BufferedWriter?
    init(_ writer: BufferedWriter) { self.writer = writer }
  }

  @Test func aWriterThatIsDroppedWithBytesIsALint() throws {
    let found = try lints {
      let pipe = Pipe(try PipeStream.pair())
      let journal = Journal(BufferedWriter(pipe.writer))
      try journal.writer?.write("a line\n")
      journal.writer = nil
    }
    expectSoon { !found.entries.isEmpty }
    #expect(found.entries.map(\.kind) == [.unflushedWriter])
    #expect(found.entries.first?.description.contains(" with 7 bytes that were not flushed, and are lost: ") == true)
    expectHere(found.entries.first)
  }

  @Test func aWriterThatIsFlushedOrGivenUpIsNoLint() throws {
    try expectNone {
      let pipe = Pipe(try PipeStream.pair())
      let journal = Journal(BufferedWriter(pipe.writer))
      try journal.writer?.write("a line\n")
      try journal.writer?.flush()
      journal.writer = nil
      expectThrows(Oops()) {
        try withBufferedWriter(pipe.writer) { writer in
          try writer.write("half a line")
          throw Oops()
        }
      }
      pipe.reader?.close()
      let failed = Journal(BufferedWriter(pipe.writer))
      try failed.writer?.write("a line\n")
      expectThrows(SystemError.self) { try failed.writer?.flush() }
      failed.writer = nil
      try withCancelScope { scope in
        let pipe = Pipe(try PipeStream.pair())
        let cancelled = Journal(BufferedWriter(pipe.writer))
        try cancelled.writer?.write("a line\n")
        scope.cancel()
        cancelled.writer = nil
      }
    }
  }
}
