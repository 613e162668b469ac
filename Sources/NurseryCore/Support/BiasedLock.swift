import CSwitch
import Synchronization

/// A lock that its owner takes with two plain stores and any other thread takes with a system call.
///
/// A worker touches its run queue at every switch, a thief perhaps a thousand times a second, so the
/// thief pays for both. This is Dekker's protocol with an asymmetric fence (membarrier(2); Dice, Huang and Yang,
/// "Asymmetric Dekker synchronization", 2001):
///
///     owner                               thief
///     busy = 1                            thief: 0 -> 1, or go away
///     light fence                         heavy fence (a barrier on every running thread)
///     thief == 0 ?  enter                 wait until busy == 0, enter
///     thief == 1 ?  busy = 0, wait, retry
///     ...                                 ...
///     busy = 0                            thief = 0
///
/// Invariant: owner and thief are never both inside. The heavy fence falls before or after the owner's light one: if
/// after, the thief sees busy == 1 and waits; if before, the owner sees thief == 1 and withdraws.
struct BiasedLock: ~Copyable {
  private let busy = Atomic<UInt32>(0)
  private let thief = Atomic<UInt32>(0)

  init() {}

  @inline(__always)
  func lockAsOwner() {
    busy.store(1, ordering: .relaxed)
    cs_fence_light()
    if thief.load(ordering: .acquiring) != 0 { lockAsOwnerContended() }
  }

  @inline(__always)
  func unlockAsOwner() {
    busy.store(0, ordering: .releasing)
  }

  @inline(never)
  private func lockAsOwnerContended() {
    repeat {
      busy.store(0, ordering: .releasing)
      spin { self.thief.load(ordering: .acquiring) != 0 }
      busy.store(1, ordering: .relaxed)
      cs_fence_light()
    } while thief.load(ordering: .acquiring) != 0
  }

  /// False if another thief holds it; then little is left to steal, so waiting does not pay.
  func tryLockAsThief() -> Bool {
    guard thief.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing).exchanged else {
      return false
    }
    cs_fence_heavy()
    spin { self.busy.load(ordering: .acquiring) != 0 }
    return true
  }

  func unlockAsThief() {
    thief.store(0, ordering: .releasing)
  }
}

/// Waits actively while `condition` holds, giving up the processor now and then.
@inline(__always)
func spin(while condition: () -> Bool) {
  var spins = 0
  while condition() {
    spins += 1
    if spins % 128 == 0 { cs_thread_yield() } else { cs_pause() }
  }
}
