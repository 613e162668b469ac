import Synchronization

/// A channel's state, behind a pointer: no object and no exclusivity checks on an element's path.
@usableFromInline
struct ChannelState<Element>: ~Copyable {
  // A field under the lock comes first: the thread sanitizer books a mutation of any part at the address of the whole.
  @usableFromInline var isClosed = false
  /// Closed, and no place is reserved: nothing comes after the buffered elements.
  @usableFromInline var isEnded = false
  /// False only if a receive would find nothing: lets a poll pass by without the lock.
  ///
  /// Written under it.
  @usableFromInline let mayReceive = Atomic<Bool>(false)
  @usableFromInline let lock = SpinLock(.queue)
  @usableFromInline let capacity: Int
  /// The capacity without the reserved places: as many elements senders may fill it up to.
  @usableFromInline var room: Int
  @usableFromInline let overflow: Overflow
  @usableFromInline var count = 0
  /// The largest count so far.
  @usableFromInline var peak = 0
  @usableFromInline let receivers = WaitQueue()
  @usableFromInline let senders = WaitQueue()
  @usableFromInline let reservers = WaitQueue()
  /// Whether a reserver gets the next place, if senders wait as well.
  var isReserversTurn = false
  /// A ring that grows to `capacity`.
  @usableFromInline var buffer: UnsafeMutablePointer<Element>?
  @usableFromInline var bufferSize = 0
  @usableFromInline var head = 0
  /// How many elements have been dropped.
  var droppedCount = 0
  /// Dropped elements that their senders have not handed over yet.
  var dropped: [Element] = []
  let onDrop: (@Sendable (Element) -> Void)?

  @usableFromInline
  init(capacity: Int, overflow: Overflow, onDrop: (@Sendable (Element) -> Void)?) {
    self.capacity = capacity
    room = capacity
    self.overflow = overflow
    self.onDrop = onDrop
  }

  /// Updates the flag that polls read without the lock; called under it, after a change that a receive would notice.
  @inlinable
  @inline(__always)
  func updateFlag() { mayReceive.store(count > 0 || !senders.isEmpty || isEnded, ordering: .relaxed) }

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
    if count > peak { peak = count }
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
    if newSize == 65_536, capacity == .max { lintGrowth(newSize) }
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

/// Called under the channel's lock.
@usableFromInline
@inline(never)
func lintGrowth(_ size: Int) {
  let reports = LintReports.current
  guard reports.areOn else { return }
  reports.reportLater(.growingChannel, StackFrames.ofCaller()) { line in
    "an unbounded Channel holds \(size / 2) elements and grows, sent at \(line): its receivers are slower, or no fiber receives; write .bounded(n), so that senders wait, or .newest(n) or .oldest(n), which drop"
  }
}

/// What a full channel does with one more element.
@usableFromInline
enum Overflow: UInt8 {
  /// Its sender waits.
  case waits
  /// It takes the place of the oldest one.
  case dropsOldest
  /// It is dropped.
  case dropsNewest
}
