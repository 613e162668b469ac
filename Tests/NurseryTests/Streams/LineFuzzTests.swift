import Nursery
import Testing

/// The line reader against a naive reference, for random inputs, pieces, capacities and limits.
@Suite struct LineFuzzTests {
  private enum Ending: Equatable { case end, tooLong }

  /// The lines of complete input, up to the first that is too long.
  private func reference(_ bytes: [UInt8], limit: Int) -> ([[UInt8]], Ending) {
    var lines: [[UInt8]] = []
    var line: [UInt8] = []
    for byte in bytes {
      guard byte == 10 else {
        line.append(byte)
        continue
      }
      if line.last == 13 { line.removeLast() }
      if line.count > limit { return (lines, .tooLong) }
      lines.append(line)
      line = []
    }
    if line.count > limit { return (lines, .tooLong) }
    return (line.isEmpty ? lines : lines + [line], .end)
  }

  private func lines(_ reader: BufferedReader, limit: Int) throws -> ([[UInt8]], Ending) {
    var lines: [[UInt8]] = []
    do {
      while let line = try reader.readLineBytes(limit: limit) { lines.append(line) }
    } catch is LineTooLongError {
      return (lines, .tooLong)
    }
    return (lines, .end)
  }

  private func randomBytes(_ generator: inout SeededGenerator) -> [UInt8] {
    let alphabet: [UInt8] = [10, 13, 13, 65, 66, 0, 0xFF, 0xC3]
    return (0..<Int.random(in: 0...40, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func linesAreThoseOfTheReference(seed: UInt64) throws {
    var generator = SeededGenerator(state: seed)
    try virtually {
      for round in 0..<5000 {
        let bytes = randomBytes(&generator)
        let limit = Int.random(in: 0...12, using: &generator)
        let capacity = Int.random(in: 1...9, using: &generator)
        let chunks = (0..<Int.random(in: 0...5, using: &generator)).map { _ in Int.random(in: 1...7, using: &generator)
        }
        let expected = reference(bytes, limit: limit)
        let reader = BufferedReader(MemoryReader(bytes, chunks: chunks), capacity: capacity)
        let found =
          round % 10 == 0
          ? try fed(bytes, in: Array(repeating: 3, count: 14), capacity: capacity) { try lines($0, limit: limit) }
          : try lines(reader, limit: limit)
        #expect(found == expected, "\(bytes) in \(chunks), limit \(limit), capacity \(capacity)")
      }
    }
  }

  @Test func mixedCallsTakeTheBytesInOrder() throws {
    var generator = SeededGenerator(state: 4)
    try virtually {
      for _ in 0..<2000 {
        let bytes = randomBytes(&generator)
        let reader = BufferedReader(MemoryReader(bytes, chunks: [1, 3, 2]), capacity: 4)
        var rest = bytes[...]
        while !rest.isEmpty {
          let count = Int.random(in: 0...min(6, rest.count), using: &generator)
          let expected = Array(rest.prefix(count))
          switch Int.random(in: 0..<5, using: &generator) {
          case 0:
            expectEqual(try reader.readExactly(count), expected)
            rest = rest.dropFirst(count)
          case 1:
            expectEqual(try reader.peek(count), expected)
          case 2:
            reader.skip(count)
            rest = rest.dropFirst(count)
          case 3:
            let found = try reader.read(upTo: 6)
            expectEqual(found, Array(rest.prefix(found.count)))
            rest = rest.dropFirst(found.count)
          default:
            let end = rest.firstIndex(of: 10)
            let line = try reader.withLine { [UInt8]($0) }
            expectEqual(line, reference(Array(rest), limit: .max).0.first)
            rest = end.map { rest[($0 + 1)...] } ?? []
          }
        }
        expectEqual(try reader.readAll(limit: 0), [])
      }
    }
  }
}
