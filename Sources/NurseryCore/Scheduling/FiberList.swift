/// Fibers in a row, linked through `next`: no allocation, and a fiber is in one list at most.
struct FiberList {
  private(set) var first: FiberRef?
  private(set) var last: FiberRef?

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

  /// Puts all of another list before these.
  mutating func prepend(_ other: FiberList) {
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

  /// Takes out what comes after a fiber; everything, given nil.
  mutating func splitOff(after fiber: FiberRef?) -> FiberList {
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
    let fiber = previous?.pointee.next ?? (previous == nil ? first : nil)
    guard let fiber else { return }
    if let previous { previous.pointee.next = fiber.pointee.next } else { first = fiber.pointee.next }
    if last == fiber { last = previous }
  }
}
