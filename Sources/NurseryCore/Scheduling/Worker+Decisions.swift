extension WorkerRef {
  /// The next fiber by decision; nil if none can run.
  @inline(never)
  func pickByDecision(_ decisions: Unmanaged<Decisions>) -> FiberRef? {
    collectArrivals()
    return decisions._withUnsafeGuaranteedRef { decisions in
      require(
        decisions.driven == nil,
        "an async function that a fiber runs by asyncOp or runAsync makes a call that waits, without 'await'\(SourceLines.ofCaller), so its thread would be blocked; write 'try await' before the call, in a closure that is async"
      )
      while !decisions.wokenTasks.isEmpty { TaskPerformer.wake(decisions.wokenTasks.removeFirst()) }
      let departure = decisions.departure
      decisions.departure = .goesLater
      let next = pickQueued(decisions, departure) ?? decisions.endStandingBack()
      if let inventory = decisions.inventory, let next { inventory.noteRunning(next) }
      return next
    }
  }

  private func pickQueued(_ decisions: Decisions, _ departure: Decisions.Departure) -> FiberRef? {
    let count = pointee.queue.count
    if count < 2 { return pointee.queue.pop() }
    return withUnsafeTemporaryAllocation(of: FiberRef.self, capacity: count) { fibers in
      pointee.queue.list(fibers.baseAddress!)
      if departure == .canGoOn { moveToFront(pointee.current, in: fibers) }
      let runnable = RunnableFibers(fibers: fibers, firstCanGoOn: departure == .canGoOn)
      let next = fibers[decisions.maker.pickFiber(runnable)]
      pointee.queue.remove(next)
      return next
    }
  }

  /// The others keep their order.
  private func moveToFront(_ fiber: FiberRef, in fibers: UnsafeMutableBufferPointer<FiberRef>) {
    var index = fibers.firstIndex(of: fiber)!
    while index > 0 {
      fibers.swapAt(index, index - 1)
      index -= 1
    }
  }

  /// A scheduling point: lets the decisions prefer another fiber to the running one.
  @inline(never)
  func enterByDecision(_ decisions: Unmanaged<Decisions>) -> FiberRef {
    let me = pointee.current
    // Code of a task's job, which cannot be suspended here.
    if decisions._withUnsafeGuaranteedRef({ $0.driven != nil }) { return me }
    decisions._withUnsafeGuaranteedRef { $0.maker.willBlock() }
    if pointee.queue.count > 0 { leave(me, decisions, .canGoOn) }
    return me
  }

  /// Lets others go first, by decision.
  @inline(never)
  func yieldByDecision(_ decisions: Unmanaged<Decisions>) {
    let me = pointee.current
    decisions._withUnsafeGuaranteedRef { $0.maker.willYield(me.id) }
    leave(me, decisions, .goesLater)
  }

  /// Runs again when all others wait.
  @inline(never)
  func standBackByDecision(_ decisions: Unmanaged<Decisions>) {
    let me = pointee.current
    decisions._withUnsafeGuaranteedRef { $0.standsBack.append(me) }
    Worker.suspend(me)
  }

  private func leave(_ me: FiberRef, _ decisions: Unmanaged<Decisions>, _ departure: Decisions.Departure) {
    decisions._withUnsafeGuaranteedRef { $0.departure = departure }
    #if DEBUG
      LockRank.assertNoneIsHeld()
    #endif
    pointee.queue.pushLast(me)
    pointee.pace.tick &+= 1
    leave(me, .yields)
  }
}

extension TaskPerformer {
  /// The task whose job the calling fiber runs.
  static var driven: DrivenTask? {
    Worker.ofThisThreadIfAny?.pointee.decisions?._withUnsafeGuaranteedRef { $0.driven }
  }
}

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
    guard let left, let right else { return left ?? right }
    return left.cameBefore(right) ? left : right
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
