import Nursery
import Testing

/// A parser that bytes are pushed into, written as straight code over a coroutine.
@Suite struct PushParserTests {
  private struct ChunkError: Error, Equatable {
    let what: String
  }

  /// Decodes HTTP's chunked coding (RFC 9112, section 7.1), which comes in pieces of any size.
  private final class ChunkParser {
    /// The parser's side: bytes are taken one after another; where a piece ends, the coroutine yields.
    private struct Source {
      let yielder: Coroutine<[UInt8], [UInt8], [UInt8]>.Yielder
      var piece: ArraySlice<UInt8>
      /// What the piece has been decoded to so far.
      var decoded: [UInt8] = []

      mutating func wait() throws {
        while piece.isEmpty {
          piece = try yielder.yield(decoded)[...]
          decoded = []
        }
      }

      mutating func byte() throws -> UInt8 {
        try wait()
        return piece.removeFirst()
      }

      /// The bytes of a line without its end.
      mutating func line(limit: Int = 100) throws -> [UInt8] {
        var line: [UInt8] = []
        while true {
          let next = try byte()
          if next == UInt8(ascii: "\n"), line.last == UInt8(ascii: "\r") { return line.dropLast() }
          line.append(next)
          if line.count > limit { throw ChunkError(what: "a line of more than \(limit) bytes") }
        }
      }

      mutating func copy(_ count: Int) throws {
        var left = count
        while left > 0 {
          try wait()
          decoded += piece.prefix(left)
          let taken = min(left, piece.count)
          piece.removeFirst(taken)
          left -= taken
        }
      }
    }

    private let coroutine: Coroutine<[UInt8], [UInt8], [UInt8]>
    var isEnded: Bool { coroutine.isFinished }

    init() throws {
      coroutine = try Coroutine { yielder, first in
        var source = Source(yielder: yielder, piece: first[...])
        while true {
          let digits = try source.line().prefix { $0 != UInt8(ascii: ";") }
          guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
            throw ChunkError(what: "the size of a chunk is no number")
          }
          if size == 0 { break }
          try source.copy(size)
          if try !source.line().isEmpty { throw ChunkError(what: "a chunk is longer than its size") }
        }
        // Trailers.
        while try !source.line().isEmpty {}
        return source.decoded
      }
    }

    /// The bytes that a piece decodes to.
    func push(_ piece: [UInt8]) throws -> [UInt8] {
      switch try coroutine.resume(piece) {
      case .yielded(let decoded), .returned(let decoded): decoded
      }
    }
  }

  private let message = Array(
    "4\r\nWiki\r\n6;name=value\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nX: y\r\n\r\n".utf8)
  private let text = Array("Wikipedia in \r\n\r\nchunks.".utf8)

  @Test func everyDivisionIntoPiecesIsParsedAlike() throws {
    let whole = try ChunkParser()
    try expectEqual(whole.push(message), text)
    #expect(whole.isEnded)
    for first in 1..<message.count - 1 {
      for second in first + 1..<message.count {
        let parser = try ChunkParser()
        var decoded = try parser.push(Array(message[..<first]))
        decoded += try parser.push(Array(message[first..<second]))
        #expect(!parser.isEnded)
        decoded += try parser.push(Array(message[second...]))
        guard decoded == text, parser.isEnded else {
          Issue.record("divided at \(first) and \(second)")
          return
        }
      }
    }
    let parser = try ChunkParser()
    let decoded = try message.flatMap { try parser.push([$0]) }
    #expect(decoded == text)
    #expect(parser.isEnded)
  }

  @Test(arguments: ["x\r\n", "-1\r\n", "1\r\nab\r\n", String(repeating: "0", count: 200)])
  func whatIsWrongIsThrownByThePushThatBringsIt(input: String) throws {
    let parser = try ChunkParser()
    expectThrows(ChunkError.self) { try parser.push(Array(input.utf8)) }
    #expect(parser.isEnded)
  }

  @Test func aParserThatIsDroppedHalfWayUnwinds() throws {
    let parser = try ChunkParser()
    try expectEqual(parser.push(Array("4\r\nWi".utf8)), Array("Wi".utf8))
    #expect(!parser.isEnded)
  }
}
