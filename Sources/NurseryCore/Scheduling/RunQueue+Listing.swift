/// For decisions other than first come, first served; the owner's side, where there are no thieves.
extension UnsafeMutablePointer<RunQueue> {
  /// Writes all fibers to `places`, of which there are `count`, in the order they came.
  func list(_ places: UnsafeMutablePointer<FiberRef>) {
    if let displaced = pointee.slot {
      pointee.slot = nil
      adjustOwnCount(-1)
      pushLast(displaced)
    }
    var begun = pointee.list.first
    var fresh = stealable.pointee.fresh.first
    var index = 0
    while let fiber = earlier(begun, fresh) {
      (places + index).initialize(to: fiber)
      index += 1
      if fiber == begun { begun = fiber.pointee.next } else { fresh = fiber.pointee.next }
    }
  }

  private func earlier(_ left: FiberRef?, _ right: FiberRef?) -> FiberRef? {
    guard let left else { return right }
    guard let right else { return left }
    return Int32(bitPattern: left.pointee.queueing.ticket &- right.pointee.queueing.ticket) < 0 ? left : right
  }

  /// Removes a fiber that `list` has just named.
  func remove(_ fiber: FiberRef) {
    endBatch()
    if remove(fiber, from: &pointee.list) {
      adjustOwnCount(-1)
    } else if remove(fiber, from: &stealable.pointee.fresh) {
      adjustFreshCount(-1)
    }
  }

  private func remove(_ fiber: FiberRef, from list: inout FiberList) -> Bool {
    var previous: FiberRef?
    while let candidate = previous == nil ? list.first : previous!.pointee.next {
      if candidate == fiber {
        list.remove(after: previous)
        return true
      }
      previous = candidate
    }
    return false
  }
}
