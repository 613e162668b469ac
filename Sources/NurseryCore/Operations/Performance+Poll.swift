import Synchronization

extension Performance {
  /// Asks every leaf once, those of a fair choice in a random order; true if one has committed.
  @inline(__always)
  mutating func poll(_ attempt: OperationSource.Attempt) -> Bool {
    if let leaves, poll(leaves, attempt) { return true }
    for leaf in (leaves?.count ?? 0)..<count where mayCommit(offers[leaf].source) {
      guard ask(leaf, attempt) == .committed else { continue }
      settle()
      return true
    }
    return false
  }

  /// Asks the leaves that may be ready; of a fair choice each of them is as likely as any other to be the next.
  @inline(__always)
  private mutating func poll(_ leaves: Leaves, _ attempt: OperationSource.Attempt) -> Bool {
    var candidates: UInt64 = 0
    var count = 0
    for leaf in 0..<leaves.count where mayCommit(leaves[leaf].source) {
      candidates |= 1 &<< UInt64(truncatingIfNeeded: leaf)
      count &+= 1
    }
    if !leaves.isBiased, me.decidesBranches { return pollByDecision(leaves, candidates, attempt) }
    while candidates != 0 {
      var others = candidates
      if !leaves.isBiased, count > 1 {
        for _ in 0..<me.chance(below: count) { others &= others &- 1 }
      }
      let leaf = others.trailingZeroBitCount
      candidates &= ~(1 &<< UInt64(truncatingIfNeeded: leaf))
      count &-= 1
      if poll(leaf, of: leaves, attempt) { return true }
    }
    return false
  }

  /// Every leaf can be the first, in as few schedules as that takes.
  @inline(never)
  private mutating func pollByDecision(
    _ leaves: Leaves, _ candidates: UInt64, _ attempt: OperationSource.Attempt
  ) -> Bool {
    let first = leaves.count > 1 ? me.firstBranch(of: leaves.count) : 0
    for step in 0..<leaves.count {
      let leaf = (first + step) % leaves.count
      if candidates & (1 &<< UInt64(leaf)) != 0, poll(leaf, of: leaves, attempt) { return true }
    }
    return false
  }

  @inline(__always)
  private mutating func poll(_ leaf: Int, of leaves: Leaves, _ attempt: OperationSource.Attempt) -> Bool {
    layOut(leaf, of: leaves)
    guard ask(leaf, attempt) == .committed else { return false }
    settle()
    return true
  }

  @inline(__always)
  private func mayCommit(_ source: Unmanaged<OperationSource>) -> Bool {
    source._withUnsafeGuaranteedRef { $0.mayCommit?.pointee.load(ordering: .relaxed) ?? true }
  }

  @inline(__always)
  func ask(_ leaf: Int, _ attempt: OperationSource.Attempt) -> OperationSource.Answer {
    (offers + leaf).pointee.source._withUnsafeGuaranteedRef { $0.attempt(offers + leaf, attempt) }
  }
}
