import CSwitch
import Synchronization

/// A lock for critical sections of a few dozen instructions that never suspend a fiber.
///
/// `LockRank` says which locks may be taken under which. One exchange takes it and one store frees it; in a process
/// without another thread two stores do. The exchange is also a full barrier on x86-64, and parking depends on that;
/// see
/// `FiberRef.fenceAfterEnlisting`.
@usableFromInline
package struct SpinLock: ~Copyable, @unchecked Sendable {
  @usableFromInline let word = Atomic<UInt32>(0)
  #if DEBUG
    @usableFromInline let rank: LockRank
  #endif

  @inlinable
  package init(_ rank: LockRank) {
    #if DEBUG
      self.rank = rank
    #endif
  }

  @inlinable
  @inline(__always)
  package func lock() {
    #if DEBUG
      rank.willLock()
    #endif
    if cs_is_only_thread() {
      // Marked all the same: the holder may start the second thread.
      word.store(1, ordering: .relaxed)
    } else if word.exchange(1, ordering: .acquiringAndReleasing) != 0 {
      lockContended()
    }
  }

  @inlinable
  @inline(__always)
  package func unlock() {
    word.store(0, ordering: .releasing)
    #if DEBUG
      rank.didUnlock()
    #endif
  }

  /// Calls `body` under the lock.
  @inlinable
  @inline(__always)
  package func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock()
    defer { unlock() }
    return try body()
  }

  /// Spins on a plain load, so the holder keeps its cache line, and gives up the processor when the holder seems
  /// to have lost its own.
  @usableFromInline
  @inline(never)
  func lockContended() {
    var spins = 0
    repeat {
      while word.load(ordering: .relaxed) != 0 {
        spins += 1
        if spins % 128 == 0 { cs_thread_yield() } else { cs_pause() }
      }
    } while word.exchange(1, ordering: .acquiringAndReleasing) != 0
  }
}
