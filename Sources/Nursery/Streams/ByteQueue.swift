#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A contiguous queue of bytes: appended at the end and dropped from the front.
///
/// Allocates nothing while it is empty. Adding and dropping take constant time per byte: the remaining bytes are moved
/// to the front only when at least as many have been dropped.
struct ByteQueue: ~Copyable {
  /// The size of the first allocation.
  let initialCapacity: Int
  private var base: UnsafeMutableRawPointer?
  private(set) var capacity = 0
  private var start = 0
  private var end = 0

  init(initialCapacity: Int) {
    self.initialCapacity = initialCapacity
  }

  deinit {
    base?.deallocate()
  }

  var count: Int { end - start }
  var isEmpty: Bool { end == start }

  /// The bytes; valid until the next change.
  var bytes: UnsafeRawBufferPointer {
    guard let base, count > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: base + start, count: count)
  }

  /// Memory after the last byte for at least `minimum` more; call `didAppend` with the number of bytes stored there.
  mutating func room(_ minimum: Int) -> UnsafeMutableRawBufferPointer {
    if capacity - end < minimum { makeRoom(minimum) }
    return UnsafeMutableRawBufferPointer(start: base! + end, count: capacity - end)
  }

  mutating func didAppend(_ count: Int) { end += count }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    room(bytes.count).copyMemory(from: bytes)
    end += bytes.count
  }

  /// Puts dropped bytes back at the front.
  mutating func prepend(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    if start < bytes.count {
      _ = room(bytes.count)
      memmove(base! + start + bytes.count, base! + start, count)
      end += bytes.count
    } else {
      start -= bytes.count
    }
    memcpy(base! + start, bytes.baseAddress!, bytes.count)
  }

  /// Drops the first bytes.
  mutating func drop(_ count: Int) {
    start += count
    if start == end {
      start = 0
      end = 0
    }
  }

  /// Moves as many of the first bytes as fit into `buffer`.
  mutating func move(to buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, self.count)
    guard count > 0 else { return 0 }
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
    drop(count)
    return count
  }

  /// Frees memory that the present bytes do not need; called before a wait.
  mutating func trim() {
    if isEmpty {
      base?.deallocate()
      base = nil
      capacity = 0
    } else if capacity > 2 * initialCapacity, count <= initialCapacity / 2 {
      moveToMemory(of: initialCapacity)
    }
  }

  private mutating func makeRoom(_ minimum: Int) {
    if start >= count, capacity - count >= minimum {
      memmove(base!, base! + start, count)
      end = count
      start = 0
    } else {
      moveToMemory(of: max(count + minimum, 2 * capacity, initialCapacity))
    }
  }

  private mutating func moveToMemory(of newCapacity: Int) {
    let new = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
    if let base {
      memcpy(new, base + start, count)
      base.deallocate()
    }
    base = new
    capacity = newCapacity
    end = count
    start = 0
  }
}
