extension Performance {
  /// Enlists the waiters of the user's primitives and opens the perform.
  ///
  /// The perform is not open if it ends here: true if a waiter was committed at once, false if the scope was cancelled.
  @inline(never)
  mutating func openWithWaiters() -> Bool? {
    let enlistment = Enlistment(me, mayWaitAgain: hasAttempts)
    self.enlistment = .passRetained(enlistment)
    for leaf in 0..<count where !enlistment.isDecided {
      (offers + leaf).pointee.source._withUnsafeGuaranteedRef { $0.enlistWaiter(offers + leaf, enlistment) }
      if me.isCancelled, !enlistment.isDecided {
        settle(winner: -1)
        return false
      }
    }
    if !enlistment.isDecided {
      me.beginEnlisting()
      if enlistment.arm(epoch: me.epoch) { return nil }
      me.endEnlisting()
    }
    settle(winner: enlistment.winner)
    return true
  }

  /// Ends the user's waiters and has them withdrawn: the perform has been settled, so that code may perform operations
  /// of its own.
  @inline(never)
  mutating func withdrawWaiters() {
    guard let retained = enlistment else { return }
    enlistment = nil
    let enlistment = retained.takeRetainedValue()
    enlistment.end()
    for leaf in 0..<count {
      (offers + leaf).pointee.source._withUnsafeGuaranteedRef { $0.withdrawWaiter(offers + leaf, enlistment) }
    }
  }
}
