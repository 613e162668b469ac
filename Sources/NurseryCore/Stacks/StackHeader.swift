import CSwitch

typealias StackRef = UnsafeMutablePointer<StackHeader>

/// The bookkeeping above the first frame of every stack; it takes no page of its own.
@usableFromInline
struct StackHeader {
  /// Links free stacks; nil while the stack is in use.
  var nextFree: StackRef?
  /// The lowest address of the slot, where its guard is.
  let base: UnsafeMutableRawPointer
  /// The stack's description for the sanitizers.
  var notes = cs_stack_notes()
  /// The runtime's bookkeeping of open accesses, where only its own (slower) door works.
  var exclusivityState: (UInt, UInt, UInt, UInt) = (0, 0, 0, 0)

  init(base: UnsafeMutableRawPointer) {
    self.base = base
  }

  /// Different offsets of the tops, a cache line apart, so that parked fibers do not compete for one cache set.
  static let colours = 16
  /// The header's room, a multiple of the stack alignment.
  static let reservedSize = (MemoryLayout<StackHeader>.size + 63) / 64 * 64
  /// How far below the end of its slot a header is at most: less than a page.
  static let largestOffset = reservedSize + (colours - 1) * 64
}

extension StackRef {
  /// A header for a stack that the pool does not own: a thread's.
  var notes: UnsafeMutablePointer<cs_stack_notes> {
    withUnsafeMutablePointer(to: &pointee.notes) { $0 }
  }

  static func forThread() -> StackRef {
    let header = StackRef.allocate(capacity: 1)
    header.initialize(to: StackHeader(base: UnsafeMutableRawPointer(header)))
    cs_notes_thread(&header.pointee.notes)
    return header
  }

  func disposeOfThread() {
    destroy()
  }

  /// Tells the address sanitizer that the stack's next user is another one.
  ///
  /// To the thread sanitizer all users of one stack are the same thread: what one did happens before what the next
  /// does, because the stack was handed on. (Some 40,000 threads in one process trip assertions in its own runtime.)
  func renew() {
    pointee.nextFree = nil
    if cs_is_sanitized { renewNotes() }
  }

  private func renewNotes() {
    if cs_sanitizer() != 1 { return }
    cs_notes_end(&pointee.notes)
    pointee.notes = cs_stack_notes()
    cs_notes_begin(&pointee.notes, bottom, top - bottom)
  }

  /// The lowest usable address: above the guard.
  var bottom: UnsafeMutableRawPointer { pointee.base + StackPool.guardSize }

  /// The address of the first frame.
  var top: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) }
}
