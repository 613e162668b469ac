/// The frame of a task's perform of several leaves: one block on the heap, because a task leaves its stack when it
/// waits.
///
/// Behind the `Performance` lie its offers, and behind these the slot.
@usableFromInline
struct TaskFrame {
  @usableFromInline let performance: UnsafeMutablePointer<Performance>

  /// Does not check for a cancellation: guards may have run, and `commit` abandons their branches.
  @usableFromInline
  init(leafCount: Int, slotSize: Int) {
    let me = TaskPerformer.makeRecord()
    let offersStart = (MemoryLayout<Performance>.size + 63) / 64 * 64
    let slotStart = (offersStart + leafCount * MemoryLayout<Offer>.stride + 63) / 64 * 64
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: slotStart + max(slotSize, 16), alignment: slotSize > Performance.inlineSlotSize ? 64 : 16)
    performance = block.bindMemory(to: Performance.self, capacity: 1)
    let offers = (block + offersStart).bindMemory(to: Offer.self, capacity: leafCount)
    performance.initialize(to: Performance(me, offers: offers, slot: block + slotStart))
  }

  /// Commits exactly one leaf, suspending the task if need be.
  ///
  /// - Throws: `CancellationError` if the task is cancelled first; then no leaf has committed.
  @usableFromInline
  nonisolated(nonsending) func commit() async throws {
    var step = performance.pointee.begin()
    while case .waits = step {
      await TaskPerformer.suspend(
        performance.pointee.me, performance.pointee.offers, performance.pointee.enlistedCount)
      step = performance.pointee.resume()
    }
    performance.pointee.abandon()
    if case .cancelled = step { throw CancellationError() }
  }

  /// Ends the perform, whose value has been taken.
  @usableFromInline
  func end() {
    TaskPerformer.end(performance.pointee.me)
    performance.deinitialize(count: 1)
    UnsafeMutableRawPointer(performance).deallocate()
  }
}

/// A commit in steps, between which the performer is suspended; `Performance.commit` does the same in one.
extension Performance {
  enum Step {
    case committed
    case cancelled
    /// The task suspends until it is made ready, and then calls `resume`.
    case waits
  }

  mutating func begin() -> Step {
    // The guards may have cancelled the task.
    if Task.isCancelled { return .cancelled }
    if isPolledFirst, poll(.poll) { return .committed }
    layOutLeaves()
    return step(after: enlist())
  }

  mutating func resume() -> Step { step(after: .ended(endWait(upTo: enlistedCount))) }

  private mutating func step(after enlisted: Enlisted) -> Step {
    var enlisted = enlisted
    while true {
      switch enlisted {
      case .ended(false): return .cancelled
      case .ended(true): if verdict != .again { return .committed }
      case .lost(let leaf):
        enlistedCount = leaf
        return .waits
      case .waits:
        enlistedCount = count
        return .waits
      }
      leaves = nil
      if Task.isCancelled {
        winner = -1
        return commitBegun() ? .committed : .cancelled
      }
      if poll(.poll) { return .committed }
      enlisted = enlist()
    }
  }
}
