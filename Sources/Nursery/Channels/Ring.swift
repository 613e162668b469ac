/// Elements in the order they came; it grows as needed, and adding and removing take constant time.
struct Ring<Element> {
  private var slots: [Element?] = []
  private var head = 0
  private(set) var count = 0

  var first: Element? { count > 0 ? slots[head] : nil }

  mutating func append(_ element: Element) {
    if count == slots.count { grow() }
    slots[(head + count) % slots.count] = element
    count += 1
  }

  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = slots[head].take()
    head = (head + 1) % slots.count
    count -= 1
    return element
  }

  /// Removes the elements that fulfil a condition, in linear time; the others keep their order.
  mutating func removeAll(where isRemoved: (Element) -> Bool) {
    for _ in 0..<count {
      if let element = popFirst(), !isRemoved(element) { append(element) }
    }
  }

  private mutating func grow() {
    let ordered = slots[head...] + slots[..<head]
    slots = Array(ordered) + Array(repeating: nil, count: max(4, count))
    head = 0
  }
}
