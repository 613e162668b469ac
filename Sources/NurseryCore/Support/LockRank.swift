import CSwitch

/// The one order in which locks are taken: a thread that holds a lock takes none of an earlier rank, and of the same
/// rank only a scope's.
///
/// Scopes are locked from the root towards the leaves. Debug builds check the order at every acquisition, and that no
/// fiber is suspended while its thread holds a lock.
@usableFromInline
package enum LockRank: UInt8 {
  /// The sleeper that acts for all workers; it fires timers and cancels scopes.
  case time
  /// The pool of threads for calls that block, and its calls.
  case pool
  /// Objects of the layer above: files, listeners, handshakes.
  case object
  /// The lists of suspended coroutines.
  case suspension
  case scope
  case descriptor
  /// The queues that performers wait in: channels, conditions, ends of fibers, gates.
  case queue
  case scheduler
  /// The start of the reactor that plain threads wait in.
  case outside
  /// The list of all reactors.
  case reactors
  case backend
  case timers
  /// Under these no other lock is taken: stacks, records, traces.
  case leaf
}

#if DEBUG
  extension LockRank {
    private var bit: UInt32 { 1 << rawValue }

    /// Traps if the calling thread may not take a lock of this rank now.
    @usableFromInline
    func willLock() {
      let held = cs_held_locks()
      let later = held.pointee.ranks & ~(bit &- 1) & ~(self == .scope ? bit : 0)
      if later != 0 {
        let holder = LockRank(rawValue: UInt8(later.trailingZeroBitCount))!
        fatalError("a lock of rank \(self) is taken under one of rank \(holder); see LockRank for the order")
      }
      held.pointee.ranks |= bit
      if self == .scope { held.pointee.scopes += 1 }
    }

    @usableFromInline
    func didUnlock() {
      let held = cs_held_locks()
      if self == .scope {
        held.pointee.scopes -= 1
        if held.pointee.scopes > 0 { return }
      }
      held.pointee.ranks &= ~bit
    }

    /// Traps if the calling thread holds a lock.
    static func assertNoneIsHeld() {
      let ranks = cs_held_locks().pointee.ranks
      if ranks == 0 { return }
      fatalError("a fiber is suspended under a lock of rank \(LockRank(rawValue: UInt8(ranks.trailingZeroBitCount))!)")
    }
  }
#endif
