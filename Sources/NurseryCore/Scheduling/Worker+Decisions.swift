extension WorkerRef {
  /// The next fiber by decision; nil if none can run.
  @inline(never)
  func pickByDecision(_ decisions: Unmanaged<Decisions>) -> FiberRef? {
    collectArrivals()
    return decisions._withUnsafeGuaranteedRef { decisions in
      let departure = decisions.departure
      decisions.departure = .waits
      let next = pointee.queue.count < 2 ? pointee.queue.pop() : pick(decisions, departure)
      if let inventory = decisions.inventory, let next { inventory.noteRunning(next) }
      return next
    }
  }

  /// Asks for a decision, unless all but one stand back.
  private func pick(_ decisions: Decisions, _ departure: Decisions.Departure) -> FiberRef {
    let count = pointee.queue.count
    return withUnsafeTemporaryAllocation(of: FiberRef.self, capacity: count) { fibers in
      pointee.queue.list(fibers.baseAddress!)
      var candidates = fibers
      switch departure {
      case .waits, .yields: break
      case .canGoOn: moveCurrent(to: 0, in: fibers)
      case .standsBack:
        moveCurrent(to: count - 1, in: fibers)
        candidates = UnsafeMutableBufferPointer(rebasing: fibers[..<(count - 1)])
      }
      let runnable = RunnableFibers(fibers: candidates, firstCanGoOn: departure == .canGoOn)
      let next = candidates.count < 2 ? candidates[0] : candidates[decisions.maker.pickFiber(runnable)]
      pointee.queue.remove(next)
      return next
    }
  }

  /// Moves the fiber that is being switched off to one end; the others keep their order.
  private func moveCurrent(to end: Int, in fibers: UnsafeMutableBufferPointer<FiberRef>) {
    var index = fibers.firstIndex(of: pointee.current)!
    while index != end {
      let neighbour = index < end ? index + 1 : index - 1
      fibers.swapAt(index, neighbour)
      index = neighbour
    }
  }

  /// A scheduling point: lets the decisions prefer another fiber to the running one.
  @inline(never)
  func enterByDecision(_ decisions: Unmanaged<Decisions>) -> FiberRef {
    let me = pointee.current
    decisions._withUnsafeGuaranteedRef { $0.maker.willBlock() }
    if pointee.queue.count > 0 { leave(me, decisions, .canGoOn) }
    return me
  }

  /// Lets others go first, by decision; if the running fiber stands back, all that can run.
  @inline(never)
  func yieldByDecision(_ decisions: Unmanaged<Decisions>, standsBack: Bool) {
    let me = pointee.current
    decisions._withUnsafeGuaranteedRef { $0.maker.willYield(me.id, standsBack: standsBack) }
    leave(me, decisions, standsBack ? .standsBack : .yields)
  }

  private func leave(_ me: FiberRef, _ decisions: Unmanaged<Decisions>, _ departure: Decisions.Departure) {
    decisions._withUnsafeGuaranteedRef { $0.departure = departure }
    pointee.queue.pushLast(me)
    Worker.suspend(me)
  }
}
