/// Whether a byte is an ASCII letter.
@inline(__always)
func isLetter(_ byte: UInt8) -> Bool { lowercase(byte) &- UInt8(ascii: "a") < 26 }

/// The letter in lower case; upper and lower case differ in one bit.
@inline(__always)
private func lowercase(_ letter: UInt8) -> UInt8 { letter | 0x20 }

/// How often each word occurs: an open-addressing hash table.
///
/// The first eight letters of a word are its head, packed into a number that sorts as the word does. The other letters
/// are its tail, in one array with the tails of all words. So most comparisons of words compare two numbers, and no
/// word is an allocated, reference-counted object.
struct WordTable: Sendable {
  private struct Entry {
    /// The first letter is in the highest byte, zeros follow the last one.
    let head: UInt64
    let tail: Range<Int>
    var count: Int
  }

  private typealias Letters = UnsafeBufferPointer<UInt8>

  private var entries: [Entry] = []
  private var tails: [UInt8] = []
  /// The places of the entries, by hash: an index plus one, or zero.
  ///
  /// At least half are free, so searches are short.
  private var slots = [UInt32](repeating: 0, count: 1 << 12)

  /// Counts the words of a text.
  mutating func add(_ text: Chunk) {
    text.withUnsafeBufferPointer { bytes in
      var index = 0
      while true {
        while index < bytes.count, !isLetter(bytes[index]) { index += 1 }
        guard index < bytes.count else { return }

        var head: UInt64 = 0
        var shift: UInt64 = 64
        while shift > 0, index < bytes.count, isLetter(bytes[index]) {
          shift -= 8
          head |= UInt64(lowercase(bytes[index])) << shift
          index += 1
        }
        let start = index
        while index < bytes.count, isLetter(bytes[index]) { index += 1 }
        count(head, Letters(rebasing: bytes[start..<index]), times: 1)
      }
    }
  }

  /// Adds the counts of another table.
  mutating func merge(_ other: WordTable) {
    if entries.isEmpty {
      self = other
      return
    }
    other.tails.withUnsafeBufferPointer { tails in
      for entry in other.entries { count(entry.head, Letters(rebasing: tails[entry.tail]), times: entry.count) }
    }
  }

  /// Counts a word; its tail may be of either case.
  @inline(__always)
  private mutating func count(_ head: UInt64, _ tail: Letters, times: Int) {
    var slot = firstSlot(head, tail)
    while slots[slot] != 0 {
      let index = Int(slots[slot] - 1)
      if entries[index].head == head, isTail(entries[index].tail, tail) {
        entries[index].count += times
        return
      }
      slot = nextSlot(slot)
    }
    let start = tails.count
    for letter in tail { tails.append(lowercase(letter)) }
    entries.append(Entry(head: head, tail: start..<tails.count, count: times))
    slots[slot] = UInt32(entries.count)
    if entries.count > slots.count / 2 { grow() }
  }

  @inline(__always)
  private func isTail(_ range: Range<Int>, _ tail: Letters) -> Bool {
    range.count == tail.count && zip(range, tail).allSatisfy { tails[$0] == lowercase($1) }
  }

  /// The slot where the search for a word begins.
  @inline(__always)
  private func firstSlot(_ head: UInt64, _ tail: Letters) -> Int {
    let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15  // 2^64 divided by the golden ratio: odd, its bits well mixed
    var hash = head &* multiplier
    for letter in tail { hash = (hash ^ UInt64(lowercase(letter))) &* multiplier }
    // The high bits depend on all letters, the low ones do not.
    return Int(truncatingIfNeeded: hash ^ hash >> 32) & (slots.count - 1)
  }

  @inline(__always)
  private func nextSlot(_ slot: Int) -> Int { (slot + 1) & (slots.count - 1) }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: 2 * slots.count)
    tails.withUnsafeBufferPointer { tails in
      for (index, entry) in entries.enumerated() {
        var slot = firstSlot(entry.head, Letters(rebasing: tails[entry.tail]))
        while slots[slot] != 0 { slot = nextSlot(slot) }
        slots[slot] = UInt32(index + 1)
      }
    }
  }

  // MARK: Listing

  /// The most frequent words, one a line, in the form of `uniq -c`; equally frequent words in alphabetical order.
  func list(_ limit: Int) -> [UInt8] {
    let ranking = entries.sorted { left, right in
      if left.count != right.count { return left.count > right.count }
      if left.head != right.head { return left.head < right.head }
      return tails[left.tail].lexicographicallyPrecedes(tails[right.tail])
    }
    var lines: [UInt8] = []
    for entry in ranking.prefix(limit) {
      let count = String(entry.count).utf8
      lines += repeatElement(UInt8(ascii: " "), count: max(0, 7 - count.count))
      lines += count
      lines.append(UInt8(ascii: " "))
      withUnsafeBytes(of: entry.head.bigEndian) { lines += $0.prefix { $0 != 0 } }
      lines += tails[entry.tail]
      lines.append(UInt8(ascii: "\n"))
    }
    return lines
  }
}
