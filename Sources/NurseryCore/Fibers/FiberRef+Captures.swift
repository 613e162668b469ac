import CSwitch

// Which references a parked fiber owns for certain: those that the closure has captured which it runs, and in code that
// is not optimised those of the loop over a channel in which it waits.
//
// Other copies on its stack cannot be told from words that own nothing, so they are not counted. Where there are some, an
// object seems to have other holders: that is the side to err on.
//
// The layout of a captured context is the compiler's: a header of two words, of which the first leads to the metadata,
// then what is captured. It lies in a block of the allocator's, whose last words may be another's that has been freed.
extension FiberRef {
  /// How many references to an object that it waits for are its own; the fiber is looked at.
  func ownReferences(to object: UInt) -> Int {
    (hasCaptured(object) ? 1 : 0) + Int(pointee.wait.ownReferences)
  }

  /// Whether the closure that it runs has captured the object.
  private func hasCaptured(_ object: UInt) -> Bool {
    guard pointee.kind == .fiber, let body = pointee.body else { return false }
    let context = body._withUnsafeGuaranteedRef { $0.captures }
    // The one object that a closure captures is its context.
    if context == 0 || context == object { return context != 0 }
    guard let start = UnsafeRawPointer(bitPattern: context) else { return false }
    guard let context = CapturedContext(start, mostReferences: 1) else { return false }
    if context.contains(object) { return true }
    // In code that is not optimised the closure has been wrapped in another one, which retains it while it calls it. In
    // other code what has been wrapped may lie on a stack, and have no header.
    #if DEBUG
      guard let inner = context.onlyClosure else { return false }
      if inner == object { return true }
      guard let start = CapturedContext.find(inner) else { return false }
      return CapturedContext(start, mostReferences: 2)?.contains(object) == true
    #else
      return false
    #endif
  }
}

/// What a closure has captured, where it captures more than one object.
private struct CapturedContext {
  private let start: UnsafeRawPointer
  private let words: Int
  /// How many values have been captured; each takes a word or more.
  private let count: Int

  private static let header = 2
  /// The allocator rounds sizes up by less.
  private static let slack = 3
  /// The kind of such a context, in the first word of its metadata.
  private static let kind: UInt = 0x400

  /// Nil if the object is something else, or if others have it as well.
  init?(_ object: UnsafeRawPointer, mostReferences: Int) {
    let metadata = object.load(as: UnsafeRawPointer.self)
    guard metadata.load(as: UInt.self) == Self.kind else { return nil }
    let references = cs_strong_references(object)
    guard references > 0, references <= mostReferences else { return nil }
    start = object
    words = min(cs_block_size(object) / MemoryLayout<UInt>.size, 64)
    // Programs without reflection metadata have no such description.
    let description = metadata.load(fromByteOffset: 16, as: UnsafeRawPointer?.self)
    count = Int(description?.load(as: UInt32.self) ?? 0)
  }

  func contains(_ object: UInt) -> Bool {
    let certain = max(min(Self.header + count, words), words - Self.slack)
    guard certain > Self.header else { return false }
    return (Self.header..<certain).contains { word($0) == object }
  }

  private func word(_ index: Int) -> UInt { start.load(fromByteOffset: index * 8, as: UInt.self) }

  #if DEBUG
    /// The context of the closure that is all it has captured; nil if it has captured something else.
    var onlyClosure: UInt? {
      guard count == 1, words >= Self.header + 2, word(Self.header) != 0 else { return nil }
      return word(Self.header + 1)
    }

    /// An object that may have been captured; nil if the word is no address of one.
    static func find(_ word: UInt) -> UnsafeRawPointer? {
      guard word % 16 == 0, let metadata = read(word), read(metadata) == kind else { return nil }
      return UnsafeRawPointer(bitPattern: word)
    }

    /// Through the kernel, as what seems to be an address may be none.
    private static func read(_ address: UInt) -> UInt? {
      guard let pointer = UnsafeRawPointer(bitPattern: address) else { return nil }
      var word: UInt = 0
      return cs_read_memory(&word, pointer, MemoryLayout<UInt>.size) == 0 ? word : nil
    }
  #endif
}
