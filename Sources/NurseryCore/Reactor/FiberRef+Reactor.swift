// A fiber waits through its worker's reactor, a plain thread through that of all plain threads.
extension FiberRef {
  /// The reactor that watches its descriptors.
  func reactor() throws(SystemError) -> Reactor {
    pointee.worker.pointee.scheduler == nil ? try OutsideReactor.shared() : try pointee.worker.reactor()
  }

  /// Makes the reactor while there are descriptors for it, because a first wait may come when none is left.
  func reserveReactor() {
    if pointee.worker.pointee.scheduler == nil { OutsideReactor.reserve() } else { _ = try? pointee.worker.reactor() }
  }

  /// Whether its reactor watches the descriptor, and a wait needs no preparation.
  @inline(__always)
  func hasRegistered(_ record: DescriptorRef) -> Bool {
    guard let reactor = pointee.worker.pointee.reactorPointer.load(ordering: .acquiring) else { return false }
    return Unmanaged<Reactor>.fromOpaque(reactor)._withUnsafeGuaranteedRef { $0.reportsAlready(record) }
  }

  /// Before it waits for what comes from outside, and after.
  func expectOutside() {
    let worker = pointee.worker
    if worker.pointee.scheduler != nil {
      worker.count(worker.pointee.counters.expected)
      worker.pointee.decisions?._withUnsafeGuaranteedRef { $0.dependsOnOutside = true }
    } else {
      TaskPerformer.driven?.waitsForOutside = true
      OutsideReactor.beginWait()
    }
  }

  func endExpectation() {
    let worker = pointee.worker
    if worker.pointee.scheduler != nil {
      worker.count(worker.pointee.counters.expected, -1)
    } else {
      OutsideReactor.endWait()
    }
  }
}
