import CSwitch

/// Fibers in a row, linked through `next`: no allocation, and a fiber is in one list at most.
struct FiberList {
  private(set) var first: FiberRef?
  private(set) var last: FiberRef?
  /// A fiber some places behind the first, of which what a switch to it touches is being fetched.
  ///
  /// Forgotten when the list is changed elsewhere than at its ends.
  private var ahead: FiberRef?

  var isEmpty: Bool { first == nil }

  @inline(__always)
  mutating func append(_ fiber: FiberRef) {
    fiber.pointee.next = nil
    if let last { last.pointee.next = fiber } else { first = fiber }
    last = fiber
  }

  @inline(__always)
  mutating func popFirst() -> FiberRef? {
    guard let fiber = first else { return nil }
    first = fiber.pointee.next
    if first == nil { last = nil }
    return fiber
  }

  /// Puts a fiber last and takes out the first; nil, and nothing happens, if the list is empty.
  ///
  /// Not while fibers are being fetched.
  @inline(__always)
  mutating func rotate(_ fiber: FiberRef) -> FiberRef? {
    guard ahead == nil, let next = first else { return nil }
    fiber.pointee.next = nil
    last.unsafelyUnwrapped.pointee.next = fiber
    last = fiber
    first = next.pointee.next
    return next
  }

  /// Puts all of another list before these.
  mutating func prepend(_ other: FiberList) {
    ahead = nil
    guard let end = other.last else { return }
    end.pointee.next = first
    if last == nil { last = end }
    first = other.first
  }

  /// Puts all of another list after these.
  mutating func append(contentsOf other: FiberList) {
    guard let start = other.first else { return }
    if let last { last.pointee.next = start } else { first = start }
    last = other.last
  }

  /// The same fibers in runs of children of one nursery, the last run first.
  func newestFamilyFirst() -> FiberList {
    var rest = self
    var result = FiberList()
    while let eldest = rest.first {
      var family = FiberList()
      while let fiber = rest.first, fiber.home == eldest.home {
        _ = rest.popFirst()
        family.append(fiber)
      }
      result.prepend(family)
    }
    return result
  }

  /// Takes out what comes after a fiber; everything, given nil.
  mutating func splitOff(after fiber: FiberRef?) -> FiberList {
    ahead = nil
    var rest = FiberList()
    rest.first = fiber?.pointee.next ?? (fiber == nil ? first : nil)
    if rest.first == nil { return rest }
    rest.last = last
    fiber?.pointee.next = nil
    last = fiber
    if fiber == nil { first = nil }
    return rest
  }

  /// Takes out the fiber that comes after another; the first, given nil.
  mutating func remove(after previous: FiberRef?) {
    ahead = nil
    let fiber = previous?.pointee.next ?? (previous == nil ? first : nil)
    guard let fiber else { return }
    if let previous { previous.pointee.next = fiber.pointee.next } else { first = fiber.pointee.next }
    if last == fiber { last = previous }
  }

  // MARK: Fetching

  /// Memory answers in the time of a few switches.
  private static var distance: Int { 4 }

  /// As `popFirst`, and asks for the memory of a fiber that will run a few switches later: with many fibers it is in no
  /// cache.
  ///
  /// - Parameter searches: whether to look for that fiber if it is not known.
  @inline(__always)
  mutating func popFirstFetching(_ searches: Bool) -> FiberRef? {
    guard let fiber = popFirst() else { return nil }
    if let ahead {
      ahead.fetchStack()
      let next = ahead.pointee.next
      next?.fetchRecord()
      self.ahead = next
    } else if searches {
      searchAhead()
    }
    return fiber
  }

  @inline(never)
  private mutating func searchAhead() {
    var fiber = first
    for _ in 0..<Self.distance { fiber = fiber?.pointee.next }
    ahead = fiber
  }
}

extension FiberRef {
  @inline(__always)
  fileprivate func fetchRecord() {
    for line in 0..<3 { cs_prefetch(UnsafeRawPointer(self) + 64 * line) }
  }

  /// The record is in the cache by now; what the switch restores and the frames above it lie from the saved stack
  /// pointer upwards.
  @inline(__always)
  fileprivate func fetchStack() {
    guard let saved = UnsafeRawPointer(bitPattern: pointee.savedStack.load(ordering: .relaxed)) else { return }
    for line in 0..<4 { cs_prefetch(saved + 64 * line) }
  }
}
