/// Elements in the order they came; it grows as needed, and adding and removing take constant time.
///
/// It belongs to its owner, under whose lock it is used.
@usableFromInline
final class Ring<Element> {
  @exclusivity(unchecked) @usableFromInline var slots: UnsafeMutablePointer<Element>?
  /// How many slots there are: a power of two, or none.
  @exclusivity(unchecked) @usableFromInline var size = 0
  @exclusivity(unchecked) @usableFromInline var head = 0
  @exclusivity(unchecked) @usableFromInline var count = 0

  @usableFromInline
  init() {}

  deinit {
    for index in 0..<count { (slots! + (head + index) & (size - 1)).deinitialize(count: 1) }
    slots?.deallocate()
  }

  @inlinable var first: Element? { count > 0 ? slots![head] : nil }

  /// Where an element is, counted from the first.
  @inlinable
  func slot(_ index: Int) -> UnsafeMutablePointer<Element> { slots! + (head &+ index) & (size &- 1) }

  @inlinable
  func append(_ element: Element) {
    if count == size { grow() }
    (slots! + (head + count) & (size - 1)).initialize(to: element)
    count += 1
  }

  @inlinable
  func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = (slots! + head).move()
    head = (head + 1) & (size - 1)
    count -= 1
    return element
  }

  /// Removes the elements that fulfil a condition, in linear time; the others keep their order.
  func removeAll(where isRemoved: (Element) -> Bool) {
    for _ in 0..<count {
      if let element = popFirst(), !isRemoved(element) { append(element) }
    }
  }

  @usableFromInline
  @inline(never)
  func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: max(4, 2 * size))
    if let slots {
      larger.moveInitialize(from: slots + head, count: size - head)
      (larger + (size - head)).moveInitialize(from: slots, count: head)
      slots.deallocate()
    }
    slots = larger
    size = max(4, 2 * size)
    head = 0
  }
}
