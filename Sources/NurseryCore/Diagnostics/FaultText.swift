/// A text that is put together in a signal handler: in the caller's memory, without allocating and without a lock.
struct FaultText {
  private let buffer: UnsafeMutablePointer<CChar>
  private let capacity: Int
  private(set) var count = 0

  /// What does not fit is left out.
  init(_ buffer: UnsafeMutablePointer<CChar>, capacity: Int) {
    self.buffer = buffer
    self.capacity = capacity
  }

  mutating func append(_ byte: UInt8) {
    if count == capacity { return }
    buffer[count] = CChar(bitPattern: byte)
    count += 1
  }

  mutating func append(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { append(text.utf8Start[index]) }
  }

  mutating func append(_ text: String) {
    for byte in text.utf8 { append(byte) }
  }

  mutating func append(_ number: Int) {
    if number >= 10 { append(number / 10) }
    append(UInt8(ascii: "0") + UInt8(number % 10))
  }

  mutating func append(_ site: SourceSite) {
    for index in 0..<Int(site.length) { append(site.start![index]) }
    append(":")
    append(site.line)
  }

  /// The innermost names, as many as are worth reading.
  mutating func append(_ path: ScopePath) {
    let depth = path.depth
    let shown = min(depth, 12)
    if shown < depth { append(".../") }
    for level in (0..<shown).reversed() {
      append(path.name(above: level))
      if level > 0 { append("/") }
    }
  }

  /// The fiber, its nursery, and the line that spawned it.
  mutating func append(_ fiber: FiberRef) {
    switch fiber.pointee.kind {
    case .root: append("the root fiber")
    case .loop: append("a worker between two fibers")
    case .thread: append("a plain thread")
    case .task: append("a task")
    case .fiber:
      append("fiber ")
      if let name = fiber.pointee.identity.name {
        append("\"")
        append(name)
        append("\"")
      } else {
        append("#")
        append(Int(truncatingIfNeeded: fiber.pointee.identity.id))
      }
    }
    if fiber.pointee.kind != .loop, let path = fiber.scope.enclosingNursery?.pointee.path {
      append(" in nursery \"")
      append(path)
      append("\"")
    }
    if fiber.pointee.kind == .fiber, fiber.pointee.identity.site.isKnown {
      append(", spawned at ")
      append(fiber.pointee.identity.site)
    }
  }
}
