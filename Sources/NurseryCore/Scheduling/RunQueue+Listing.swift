/// For decisions other than first come, first served; the owner's side.
extension UnsafeMutablePointer<RunQueue> {
  /// Writes all fibers to `places`, of which there are `count`, in the order they came.
  func list(_ places: UnsafeMutablePointer<FiberRef>) {
    pointee.lock.lockAsOwner()
    defer { pointee.lock.unlockAsOwner() }
    if let displaced = pointee.slot {
      pointee.list.append(displaced)
      pointee.slot = nil
    }
    var candidate = pointee.list.first
    var index = 0
    while let fiber = candidate {
      (places + index).initialize(to: fiber)
      index += 1
      candidate = fiber.pointee.next
    }
  }

  /// Removes a fiber that `list` has just named.
  func remove(_ fiber: FiberRef) {
    pointee.lock.lockAsOwner()
    defer { pointee.lock.unlockAsOwner() }
    forgetBatch()
    var previous: FiberRef?
    while let candidate = previous?.pointee.next ?? pointee.list.first, candidate != fiber { previous = candidate }
    pointee.list.remove(after: previous)
    adjustCount(-1)
  }
}
