/// Nothing can ever happen again: every fiber waits, no timer is set, nothing outside is expected.
///
/// Found by deterministic schedulers, which know that nobody else is there. The root is given the error and everything is cancelled.
public struct DeadlockError: Error, Sendable, CustomStringConvertible {
  /// A fiber and what it waits for.
  public struct ParkedFiber: Sendable, CustomStringConvertible {
    /// Which fiber: its name or number.
    public let fiber: String
    /// The names of the nurseries around it.
    public let nurseryPath: String
    /// The branches of the operation it performs; "its children" for a nursery's body that has ended.
    public let waitsFor: [String]

    /// "fiber "reader" in server: receive from a Channel<Int>".
    public var description: String {
      let place = nurseryPath.isEmpty ? "" : " in \(nurseryPath)"
      return "\(fiber)\(place): \(waitsFor.joined(separator: ", or "))"
    }
  }

  /// The fibers, the root first.
  public let fibers: [ParkedFiber]

  /// Every fiber with what it waits for, one a line.
  public var description: String {
    "deadlock: every fiber waits and nothing can wake one\n"
      + fibers.map { "  \($0)" }.joined(separator: "\n")
  }
}

extension Scheduler {
  /// Notes the deadlock and cancels the root, which lets everything unwind.
  ///
  /// Everybody is parked.
  func breakDeadlock() {
    let root = rootScope!
    guard deadlock == nil else {
      fatalError("\(DeadlockError(fibers: root.parkedFibers)), and the waits are shielded from the cancellation")
    }
    deadlock = DeadlockError(fibers: root.parkedFibers)
    root.cancel(.requested("deadlock"))
  }
}

extension ScopeRef {
  /// What the fibers of this scope and those inside it wait for.
  fileprivate var parkedFibers: [DeadlockError.ParkedFiber] {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    var fibers: [DeadlockError.ParkedFiber] = []
    if let host = pointee.host, host.scope == self { fibers.append(host.parked) }
    var child = pointee.firstChild
    while let fiber = child {
      child = fiber.pointee.nextSibling
      if fiber.scope == self { fibers.append(fiber.parked) }
    }
    var inner = pointee.firstInner
    while let scope = inner {
      inner = scope.pointee.nextSibling
      fibers += scope.parkedFibers
    }
    return fibers
  }
}

extension FiberRef {
  fileprivate var parked: DeadlockError.ParkedFiber {
    var waits: [String] = []
    for index in 0..<Int(pointee.offerCount) {
      waits.append((pointee.offers! + index).pointee.source._withUnsafeGuaranteedRef { $0.waitDescription })
    }
    return DeadlockError.ParkedFiber(
      fiber: label, nurseryPath: scope.path, waitsFor: waits.isEmpty ? ["its children"] : waits)
  }
}
