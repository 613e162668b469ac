import Synchronization

extension Performance {
  /// Asks every leaf once, the arms of a fair choice in a random order; true if one has committed.
  @inline(__always)
  mutating func poll(_ attempt: OperationSource.Attempt) -> Bool {
    if let arms, pollArms(arms, attempt) { return true }
    for leaf in armCount..<count where mayCommit((offers + leaf).pointee.source) {
      guard ask(leaf, attempt) == .committed else { continue }
      settle()
      return true
    }
    return false
  }

  /// Asks the arms that may be ready; of a fair choice each of them is as likely as any other to be the next.
  @inline(__always)
  private mutating func pollArms(_ arms: UnsafePointer<Arm>, _ attempt: OperationSource.Attempt) -> Bool {
    var candidates: UInt64 = 0
    var count = 0
    for arm in 0..<armCount where mayCommit(arms[arm].source) {
      candidates |= 1 &<< UInt64(truncatingIfNeeded: arm)
      count &+= 1
    }
    if candidates == 0, !me.decidesBranches { return false }
    return pollArms(arms, candidates, count, attempt)
  }

  @inline(__always)
  private mutating func pollArms(
    _ arms: UnsafePointer<Arm>, _ candidates: UInt64, _ count: Int, _ attempt: OperationSource.Attempt
  ) -> Bool {
    var candidates = candidates
    var count = count
    var isOrdered = areArmsBiased
    if !isOrdered, me.decidesBranches, armCount > 1 {
      // Every arm can be the first, in as few schedules as that takes.
      isOrdered = true
      let arm = me.firstBranch(of: armCount)
      let later = candidates & (~0 << UInt64(arm))
      if later != 0, pollOrdered(arms, later, attempt) { return true }
      candidates ^= later
    }
    while candidates != 0 {
      var others = candidates
      if !isOrdered, count > 1 {
        for _ in 0..<me.randomIndex(below: count) { others &= others &- 1 }
      }
      let arm = others.trailingZeroBitCount
      candidates &= ~(1 &<< UInt64(truncatingIfNeeded: arm))
      count &-= 1
      if pollArm(arm, arms, attempt) { return true }
    }
    return false
  }

  @inline(never)
  private mutating func pollOrdered(
    _ arms: UnsafePointer<Arm>, _ candidates: UInt64, _ attempt: OperationSource.Attempt
  ) -> Bool {
    for arm in 0..<armCount where candidates & (1 &<< UInt64(truncatingIfNeeded: arm)) != 0 {
      if pollArm(arm, arms, attempt) { return true }
    }
    return false
  }

  @inline(__always)
  private mutating func pollArm(_ arm: Int, _ arms: UnsafePointer<Arm>, _ attempt: OperationSource.Attempt) -> Bool {
    layOutArm(arm, arms)
    guard ask(arm, attempt) == .committed else { return false }
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
