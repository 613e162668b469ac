#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The buffer between a `MemoryWriter` and a `MemoryReader`.
final class MemoryBuffer: @unchecked Sendable {
  private let lock = SpinLock(.object)
  @exclusivity(unchecked) private var queue = ByteQueue(initialCapacity: 64)
  @exclusivity(unchecked) private var isReaderClosed = false
  @exclusivity(unchecked) private var isWriterClosed = false
  /// The error that the reader gets after the last byte, and the writer at once.
  @exclusivity(unchecked) private var failure: (any Error)?
  /// How many bytes the writer may write in all, and the error of further writes.
  @exclusivity(unchecked) private var allowance: Int
  private let excess: (any Error)?
  @exclusivity(unchecked) private var reads: ChunkSizes
  @exclusivity(unchecked) private var writes: ChunkSizes
  private let capacity: Int
  private let readable = Readiness("bytes in memory")
  private let writable = Readiness("room in memory")

  /// Creates an empty buffer with room for `capacity` bytes.
  init(
    capacity: Int, reads: [Int] = [], writes: [Int] = [], allowance: Int = .max, excess: (any Error)? = nil
  ) {
    self.capacity = capacity
    self.reads = ChunkSizes(reads)
    self.writes = ChunkSizes(writes)
    self.allowance = allowance
    self.excess = excess
  }

  /// Creates a buffer of given bytes, without a writer.
  init(_ bytes: UnsafeRawBufferPointer, reads: [Int], failure: (any Error)?) {
    queue.append(bytes)
    capacity = bytes.count
    self.reads = ChunkSizes(reads)
    writes = ChunkSizes([])
    allowance = 0
    excess = nil
    self.failure = failure
    isWriterClosed = failure == nil
  }

  var count: Int { lock.withLock { queue.count } }
  var bytes: [UInt8] { lock.withLock { [UInt8](queue.bytes) } }

  func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    let count: Int? = try lock.withLock {
      if isReaderClosed { throw StreamClosedError(stream: "the reading end of a memory stream") }
      if buffer.isEmpty { return 0 }
      guard queue.isEmpty else {
        let count = queue.move(to: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(reads.left)))
        reads.didPass(count)
        return count
      }
      if let failure { throw failure }
      return isWriterClosed ? 0 : nil
    }
    if let count, count > 0 { writable.signal() }
    return count
  }

  func tryWrite(parts: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws -> Int? {
    let count: Int? = try lock.withLock {
      if isWriterClosed { throw StreamClosedError(stream: "the writing end of a memory stream") }
      if let failure { throw failure }
      if isReaderClosed { throw SystemError(code: EPIPE, action: "write to a memory stream") }
      if parts.allSatisfy(\.isEmpty) { return 0 }
      if allowance == 0, let excess { throw excess }
      let count = min(capacity - queue.count, writes.left, allowance)
      guard count > 0 else { return nil }
      var left = count
      for part in parts {
        let taken = min(part.count, left)
        queue.append(UnsafeRawBufferPointer(rebasing: part.prefix(taken)))
        left -= taken
      }
      writes.didPass(count - left)
      allowance -= count - left
      return count - left
    }
    if let count, count > 0 { readable.signal() }
    return count
  }

  func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> { readable.whenReadyOp(attempt) }
  func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> { writable.whenReadyOp(attempt) }

  func closeReader() { change { isReaderClosed = true } }
  func closeWriter() { change { isWriterClosed = true } }
  func fail(_ error: any Error) { change { if failure == nil { failure = error } } }

  private func change(_ body: () -> Void) {
    lock.withLock(body)
    readable.signal()
    writable.signal()
  }
}

/// The sizes of the portions in which bytes pass, used in turn.
struct ChunkSizes {
  private let sizes: [Int]
  private var index = 0
  private(set) var left: Int

  init(_ sizes: [Int]) {
    if let size = sizes.first(where: { $0 < 1 }) {
      fatalError("a memory stream cannot pass \(size) bytes at a time; write sizes of at least 1")
    }
    self.sizes = sizes
    left = sizes.first ?? .max
  }

  mutating func didPass(_ count: Int) {
    guard !sizes.isEmpty else { return }
    left -= count
    guard left == 0 else { return }
    index = (index + 1) % sizes.count
    left = sizes[index]
  }
}
