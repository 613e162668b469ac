import Synchronization

/// A permanent record for every number that a descriptor has had, so a late event never refers to freed memory.
enum DescriptorTable {
  private typealias Chunk = UnsafeMutablePointer<DescriptorRecord>

  private static let chunkSize = 1024
  private static let chunkCount = 1 << 13

  /// Space for all numbers below 2^23; only the used part of the table takes memory.
  nonisolated(unsafe) private static let chunks: UnsafeMutablePointer<Atomic<UnsafeMutableRawPointer?>> = {
    let chunks = UnsafeMutablePointer<Atomic<UnsafeMutableRawPointer?>>.allocate(capacity: chunkCount)
    for index in 0..<chunkCount { (chunks + index).initialize(to: Atomic(nil)) }
    return chunks
  }()
  private static let lock = SpinLock(.leaf)
  /// One more than the highest chunk in use; at least as soon as a fiber waits for a descriptor in it.
  private static let usedChunks = Atomic<Int>(0)

  /// The record of a number, 0 or above.
  static func record(_ descriptor: Int32) -> DescriptorRef {
    let (chunk, offset) = Int(descriptor).quotientAndRemainder(dividingBy: chunkSize)
    guard let memory = chunks[chunk].load(ordering: .acquiring) else { return makeChunk(chunk) + offset }
    return memory.assumingMemoryBound(to: DescriptorRecord.self) + offset
  }

  /// Whether a descriptor can have this number.
  static func holds(_ descriptor: Int32) -> Bool { descriptor >= 0 && Int(descriptor) < chunkSize * chunkCount }

  /// The number of the descriptor that a gate belongs to; for dumps, in time linear in the highest number.
  static func number(of gate: GateRef) -> Int32? {
    for index in 0..<usedChunks.load(ordering: .relaxed) {
      guard let memory = chunks[index].load(ordering: .acquiring) else { continue }
      let first = memory.assumingMemoryBound(to: DescriptorRecord.self).pointee.readers
      if gate >= first, gate < first + 2 * chunkSize { return Int32(index * chunkSize + (gate - first) / 2) }
    }
    return nil
  }

  @inline(never)
  private static func makeChunk(_ index: Int) -> Chunk {
    lock.withLock {
      if let memory = chunks[index].load(ordering: .acquiring) {
        return memory.assumingMemoryBound(to: DescriptorRecord.self)
      }
      let chunk = Chunk.allocate(capacity: chunkSize)
      let gates = GateRef.allocate(capacity: 2 * chunkSize)
      let resources = NurseryResourceRef.allocate(capacity: chunkSize)
      for offset in 0..<chunkSize {
        let own = gates + 2 * offset
        own.initialize(to: Gate())
        (own + 1).initialize(to: Gate())
        let resource = resources + offset
        resource.initialize(to: NurseryResource(chunk + offset, closer: Self.closer))
        (chunk + offset).initialize(
          to: DescriptorRecord(number: Int32(index * chunkSize + offset), gates: own, resource: resource))
      }
      if index >= usedChunks.load(ordering: .relaxed) { usedChunks.store(index + 1, ordering: .relaxed) }
      chunks[index].store(UnsafeMutableRawPointer(chunk), ordering: .releasing)
      return chunk
    }
  }

  /// The descriptor is closed that has the number when the nursery asks, not a later one.
  private static let closer: @Sendable (UnsafeMutableRawPointer) -> () -> Bool = { owner in
    let record = owner.assumingMemoryBound(to: DescriptorRecord.self)
    let generation = record.generation
    return { record.close(generation) }
  }
}
