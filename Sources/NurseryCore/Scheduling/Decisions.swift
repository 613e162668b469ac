/// Makes the choices of a deterministic scheduler: which fiber runs next, and which branch of a choice is polled first.
///
/// A scheduler that is given one has a single worker. Every blocking call is a scheduling point then: another fiber may run before it.
package final class Decisions: @unchecked Sendable {
  /// A number below its argument, which is at least 2.
  let decide: (_ count: Int) -> Int
  /// Called at the beginning of every blocking call, on the fiber that makes it.
  let willBlock: () -> Void

  package init(willBlock: @escaping () -> Void = {}, decide: @escaping (_ count: Int) -> Int) {
    self.willBlock = willBlock
    self.decide = decide
  }

  /// Decisions that follow from a seed.
  convenience init(seed: UInt64) {
    let numbers = SeededNumbers(seed: seed)
    self.init { numbers.next(below: $0) }
  }
}

/// Numbers that follow from a seed (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
package final class SeededNumbers {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  package func next(below count: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    bits ^= bits >> 31
    return Int(truncatingIfNeeded: bits >> 1) % count
  }
}

extension WorkerRef {
  /// The next fiber by decision; nil if none can run.
  @inline(never)
  func pickByDecision(_ decisions: Unmanaged<Decisions>) -> FiberRef? {
    collectArrivals()
    let count = pointee.queue.count
    if count < 2 { return pointee.queue.pop() }
    return pointee.queue.remove(at: decisions._withUnsafeGuaranteedRef { $0.decide(count) })
  }

  /// A scheduling point: lets the decisions prefer another fiber to the running one.
  @inline(never)
  func enterByDecision(_ decisions: Unmanaged<Decisions>) -> FiberRef {
    let me = pointee.current
    decisions._withUnsafeGuaranteedRef { $0.willBlock() }
    if pointee.queue.count > 0 {
      pointee.queue.pushLast(me)
      Worker.suspend(me)
    }
    return me
  }
}
