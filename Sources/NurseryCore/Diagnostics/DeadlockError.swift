/// Nothing can ever happen again: every fiber waits, no timer is set, nothing outside is expected.
///
/// Everything is cancelled, and the run throws the error when all has unwound. A deterministic scheduler finds every
/// deadlock, an ordinary one those that are certain: see `Configuration.onDeadlock`.
public struct DeadlockError: Error, Sendable, CustomStringConvertible {
  /// A fiber, or a plain thread that performs an operation, and what it waits for.
  public struct ParkedFiber: Sendable, CustomStringConvertible {
    /// Which fiber: its name or number.
    public let fiber: String
    /// The names of the nurseries around it.
    public let nurseryPath: String
    /// The branches of the operation it performs; "its children" for a nursery's body that has ended; "its turn" for a
    /// child of a nursery with a limit that has not begun.
    public let waitsFor: [String]

    /// Where it was spawned; line 0 for the root and for a thread.
    public let site: SourceSite
    /// Its stack.
    fileprivate let frames: [UInt]

    fileprivate init(_ fiber: FiberRef, waitsFor: [String]) {
      self.fiber = fiber.label
      nurseryPath = fiber.scope.path
      self.waitsFor = waitsFor
      site = fiber.site
      frames = StackWalk.frames(of: fiber)
    }

    /// The line of the program where it waits: "Server/Accept.swift:14".
    ///
    /// Nil if the stack cannot be read. The first question reads the program's debug information, which takes a while.
    public var line: String? { SourceLines.line(of: frames) }

    /// "fiber "reader" in server: receive from a Channel<Int> (at Server/Main.swift:14, spawned at
    /// Server/Main.swift:12)".
    public var description: String {
      let place = nurseryPath.isEmpty ? "" : " in \(nurseryPath)"
      let lines = [line.map { "at \($0)" }, site.isKnown ? "spawned at \(site)" : nil].compactMap { $0 }
      let suffix = lines.isEmpty ? "" : " (\(lines.joined(separator: ", ")))"
      return "\(fiber)\(place): \(waitsFor.joined(separator: ", or "))\(suffix)"
    }
  }

  /// The fibers, the root first; then the plain threads.
  public let fibers: [ParkedFiber]

  /// What the recorder had.
  package internal(set) var recording: Recording?

  /// Every fiber with what it waits for, one a line.
  public var description: String {
    SourceLines.learn(fibers.map(\.frames))
    return "deadlock: every fiber waits and nothing can wake one\n"
      + fibers.map { "  \($0)" }.joined(separator: "\n")
  }
}

extension ScopeRef {
  /// What the fibers of this scope and those inside it wait for.
  ///
  /// No fiber runs: the locks are for the sanitizer's eyes. What a wait is called is asked without them, because the
  /// description of a user's operation is the user's code.
  var parkedFibers: [DeadlockError.ParkedFiber] {
    var fibers: [FiberRef] = []
    var pending = [self]
    while let scope = pending.popLast() {
      scope.pointee.lock.lock()
      if let host = scope.pointee.host, host.scope == scope { host.add(to: &fibers, &pending) }
      scope.pointee.nursery?.forEachChild { fiber in
        if fiber.scope == scope { fiber.add(to: &fibers, &pending) }
      }
      var inner = scope.pointee.links.firstInner
      while let found = inner {
        inner = found.pointee.links.next
        pending.append(found)
      }
      scope.pointee.lock.unlock()
    }
    return fibers.map(\.parked)
  }
}

extension FiberRef {
  /// Adds this fiber to a report, and the scopes that its suspended coroutines have open to what is to be looked at.
  fileprivate func add(to fibers: inout [FiberRef], _ pending: inout [ScopeRef]) {
    fibers.append(self)
    forEachSuspended { pending.append($0) }
  }

  /// What a fiber or thread that is parked waits for, branch by branch in the order they are written.
  var parked: DeadlockError.ParkedFiber {
    let offers = UnsafeBufferPointer(
      start: pointee.wait.offers, count: Int(pointee.wait.offerCount.load(ordering: .relaxed)))
    var waits = offers.sorted { $0.index < $1.index }.map { offer in
      offer.source._withUnsafeGuaranteedRef { $0.waitDescription }
    }
    if waits.isEmpty {
      waits = [
        pointee.membership.permit == .awaited ? "its turn (limit \(homeNursery.pointee.traits.limit))" : "its children"
      ]
    }
    return DeadlockError.ParkedFiber(self, waitsFor: waits)
  }
}
