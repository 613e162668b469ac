import Nursery
import Testing

/// One way to read from a buffered reader, with the expected result.
struct ReadCase: Sendable, CustomTestStringConvertible {
  static let input = Array("ab\r\ncd\nef".utf8)

  let name: String
  /// The expected value for the bytes of `input`.
  let value: [UInt8]
  /// How many bytes it takes.
  let taken: Int
  let verb: @Sendable (BufferedReader) throws -> [UInt8]
  let op: @Sendable (BufferedReader) -> Op<[UInt8]>

  var testDescription: String { name }
  var rest: [UInt8] { Array(Self.input[taken...]) }

  init(
    _ name: String, _ value: String, taken: Int, _ verb: @escaping @Sendable (BufferedReader) throws -> [UInt8],
    op: @escaping @Sendable (BufferedReader) -> Op<[UInt8]>
  ) {
    self.name = name
    self.value = Array(value.utf8)
    self.taken = taken
    self.verb = verb
    self.op = op
  }

  static let all: [ReadCase] = [
    ReadCase("readLine", "ab", taken: 4) {
      Array(try $0.readLine()!.utf8)
    } op: {
      $0.readLineOp().wrap { Array($0!.utf8) }
    },
    ReadCase("readLineBytes", "ab", taken: 4) {
      try $0.readLineBytes()!
    } op: {
      $0.readLineBytesOp().wrap { $0! }
    },
    ReadCase("withLine", "ba", taken: 4) {
      try $0.withLine { $0.reversed() }!
    } op: {
      $0.withLineOp { $0.reversed() }.wrap { $0! }
    },
    ReadCase("readExactly", "ab\r\nc", taken: 5) {
      try $0.readExactly(5)
    } op: {
      $0.readExactlyOp(5)
    },
    ReadCase("readExactly(into:)", "ab\r\nc", taken: 5) { reader in
      try [UInt8](unsafeUninitializedCapacity: 5) { buffer, count in
        try reader.readExactly(into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<5])))
        count = 5
      }
    } op: { reader in
      .guarded {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 5, alignment: 1)
        return reader.readExactlyOp(into: buffer).recover {
          buffer.deallocate()
          throw $0
        }.wrap {
          defer { buffer.deallocate() }
          return Array(buffer)
        }.onAbandon { buffer.deallocate() }
      }
    },
    ReadCase("peek", "ab\r\nc", taken: 0) {
      try $0.peek(5)
    } op: {
      $0.peekOp(5)
    },
    ReadCase("peek beyond the end", "ab\r\ncd\nef", taken: 0) {
      try $0.peek(50)
    } op: {
      $0.peekOp(50)
    },
    ReadCase("readUntil", "ab\r", taken: 5) {
      try $0.readUntil(Array("\nc".utf8))!
    } op: {
      $0.readUntilOp(Array("\nc".utf8)).wrap { $0! }
    },
    ReadCase("readAll", "ab\r\ncd\nef", taken: 9) {
      try $0.readAll(limit: 9)
    } op: {
      $0.readAllOp(limit: 9)
    },
    ReadCase("readInteger", "ab\r\n", taken: 4) {
      bytes(of: try $0.readInteger(UInt32.self))
    } op: {
      $0.readIntegerOp(UInt32.self).wrap { bytes(of: $0) }
    },
    ReadCase("parse", "cd", taken: 6) {
      try $0.parse(limit: 6, secondPair)
    } op: {
      $0.parseOp(limit: 6, secondPair)
    },
  ]

  private static func bytes(of value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

  @Sendable private static func secondPair(
    _ bytes: UnsafeRawBufferPointer, isAtEnd: Bool
  ) -> ([UInt8], Int)? {
    bytes.count < 6 ? nil : (Array(bytes[4..<6]), 6)
  }
}

/// Every way to split `count` bytes into pieces.
func compositions(of count: Int) -> [[Int]] {
  guard count > 0 else { return [[]] }
  return (1...count).flatMap { first in compositions(of: count - first).map { [first] + $0 } }
}

/// A random generator with a seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Runs `body` with a reader that gets the bytes piece by piece, each when all fibers wait.
func fed<Result>(
  _ bytes: [UInt8], in pieces: [Int], capacity: Int = 8192, _ body: (BufferedReader) throws -> Result
) throws -> Result {
  try withNursery { nursery in
    let pipe = MemoryPipe()
    nursery.goAsync("feeder") {
      var rest = bytes[...]
      for count in pieces {
        waitUntilAllParked()
        try pipe.writer.writeAll(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      pipe.writer.close()
    }
    return try body(BufferedReader(pipe.reader, capacity: capacity))
  }
}
