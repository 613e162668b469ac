extension UnsafeMutablePointer where Pointee: ~Copyable {
  /// Puts a value on the heap; `destroy` frees it.
  @inline(__always)
  static func new(_ value: consuming Pointee) -> Self {
    let pointer = allocate(capacity: 1)
    pointer.initialize(to: value)
    return pointer
  }

  @inline(__always)
  func destroy() {
    deinitialize(count: 1)
    deallocate()
  }
}
