import Synchronization

/// A channel's state, behind a pointer: no object and no exclusivity checks on an element's path.
@usableFromInline
struct ChannelState<Element>: ~Copyable {
  // A field under the lock comes first: the thread sanitizer books a mutation of any part at the address of the whole.
  @usableFromInline var isClosed = false
  /// False only if a receive would find nothing: lets a poll pass by without the lock.
  ///
  /// Written under it.
  @usableFromInline let mayReceive = Atomic<Bool>(false)
  @usableFromInline let lock = SpinLock(.queue)
  @usableFromInline let limit: Int
  @usableFromInline var count = 0
  @usableFromInline var receivers = WaitQueue()
  @usableFromInline var senders = WaitQueue()
  /// A ring that grows to `limit`.
  @usableFromInline var buffer: UnsafeMutablePointer<Element>?
  @usableFromInline var room = 0
  @usableFromInline var head = 0

  @inlinable
  init(limit: Int) {
    self.limit = limit
  }

  /// Updates the flag that polls read without the lock, and unlocks.
  @inlinable
  @inline(__always)
  func unlock() {
    mayReceive.store(count > 0 || !senders.isEmpty || isClosed, ordering: .relaxed)
    lock.unlock()
  }

  /// The flag that says whether a receive may find an element.
  @inlinable
  static func mayReceive(_ state: UnsafeMutablePointer<ChannelState>) -> UnsafePointer<Atomic<Bool>> {
    withUnsafePointer(to: state.pointee.mayReceive) { $0 }
  }

  /// Adds an element; there is room for it.
  @inlinable
  mutating func push(_ element: consuming Element) {
    if count == room { grow() }
    var tail = head + count
    if tail >= room { tail -= room }
    (buffer! + tail).initialize(to: element)
    count += 1
  }

  /// Removes the oldest element; there is one.
  @inlinable
  mutating func pop() -> Element {
    let element = (buffer! + head).move()
    head += 1
    if head == room { head = 0 }
    count -= 1
    return element
  }

  @inlinable
  @inline(never)
  mutating func grow() {
    let newRoom = min(max(8, room * 2), limit)
    let newBuffer = UnsafeMutablePointer<Element>.allocate(capacity: newRoom)
    if let buffer {
      let firstPart = min(count, room - head)
      newBuffer.moveInitialize(from: buffer + head, count: firstPart)
      (newBuffer + firstPart).moveInitialize(from: buffer, count: count - firstPart)
      buffer.deallocate()
    }
    buffer = newBuffer
    room = newRoom
    head = 0
  }

  @inlinable
  mutating func destroyBuffer() {
    while count > 0 { _ = pop() }
    buffer?.deallocate()
  }
}
