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
  @usableFromInline let capacity: Int
  @usableFromInline var count = 0
  @usableFromInline let receivers = WaitQueue()
  @usableFromInline let senders = WaitQueue()
  /// A ring that grows to `capacity`.
  @usableFromInline var buffer: UnsafeMutablePointer<Element>?
  @usableFromInline var bufferSize = 0
  @usableFromInline var head = 0

  @inlinable
  init(capacity: Int) {
    self.capacity = capacity
  }

  /// Updates the flag that polls read without the lock; called under it, after a change that a receive would notice.
  @inlinable
  @inline(__always)
  func updateFlag() { mayReceive.store(count > 0 || !senders.isEmpty || isClosed, ordering: .relaxed) }

  @usableFromInline
  func withdrawSender(_ offer: OfferRef) {
    lock.withLock {
      senders.remove(offer)
      updateFlag()
    }
  }

  /// The flag that says whether a receive may find an element.
  @inlinable
  static func mayReceive(_ state: UnsafeMutablePointer<ChannelState>) -> UnsafePointer<Atomic<Bool>> {
    withUnsafePointer(to: state.pointee.mayReceive) { $0 }
  }

  /// Adds an element; there is room for it.
  @inlinable
  mutating func push(_ element: consuming Element) {
    if count == bufferSize { grow() }
    var tail = head + count
    if tail >= bufferSize { tail -= bufferSize }
    (buffer! + tail).initialize(to: element)
    count += 1
  }

  /// Removes the oldest element; there is one.
  @inlinable
  mutating func pop() -> Element {
    let element = (buffer! + head).move()
    head += 1
    if head == bufferSize { head = 0 }
    count -= 1
    return element
  }

  @inlinable
  @inline(never)
  mutating func grow() {
    let newSize = min(max(8, bufferSize * 2), capacity)
    let newBuffer = UnsafeMutablePointer<Element>.allocate(capacity: newSize)
    if let buffer {
      let firstPart = min(count, bufferSize - head)
      newBuffer.moveInitialize(from: buffer + head, count: firstPart)
      (newBuffer + firstPart).moveInitialize(from: buffer, count: count - firstPart)
      buffer.deallocate()
    }
    buffer = newBuffer
    bufferSize = newSize
    head = 0
  }

  @inlinable
  mutating func destroyBuffer() {
    while count > 0 { _ = pop() }
    buffer?.deallocate()
  }
}
