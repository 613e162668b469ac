import Synchronization

/// The word a thread sleeps on (futex(2)).
///
///     awake --- prepare ---> asleep --- wake, by anybody, once ---> told --- rise ---> awake
///                              |                                                         ^
///                              +------ rise, by itself: found work, or time is up -------+
///
/// `wake` succeeds for exactly one caller per sleep; a sleeper that rises by itself may still have been told, which
/// does no harm: it looks for work either way.
struct SleepWord: ~Copyable {
  // The kernel is given the address of the whole: this field must stay first.
  private let state = Atomic<UInt32>(awake)
  /// How often the thread has slept in the kernel, and was woken there by somebody.
  fileprivate let sleeps = Atomic<Int>(0)
  fileprivate let wakes = Atomic<Int>(0)

  private static let awake: UInt32 = 0
  private static let asleep: UInt32 = 1
  private static let told: UInt32 = 2

  func prepare() { state.store(Self.asleep, ordering: .sequentiallyConsistent) }
  func rise() { state.store(Self.awake, ordering: .relaxed) }
  var isAsleep: Bool { state.load(ordering: .relaxed) == Self.asleep }

  /// True if this call is the one that ends the sleep; then the thread has to be woken in the kernel.
  func claimWake() -> Bool {
    state.compareExchange(expected: Self.asleep, desired: Self.told, ordering: .sequentiallyConsistent).exchanged
  }
}

extension UnsafeMutablePointer<SleepWord> {
  /// Sleeps until woken, but not longer than `nanoseconds` (negative: for ever); true if the time is up.
  ///
  /// `prepare` has been called and everything been looked at once more since.
  @discardableResult
  func wait(nanoseconds: Int64) -> Bool {
    pointee.sleeps.wrappingAdd(1, ordering: .relaxed)
    return System.wait(on: self, expected: 1, nanoseconds: nanoseconds)
  }

  /// How often the thread has slept in the kernel, and was woken there by somebody; two system calls.
  var counts: (sleeps: Int, wakes: Int) {
    (pointee.sleeps.load(ordering: .relaxed), pointee.wakes.load(ordering: .relaxed))
  }

  /// Wakes the thread if it sleeps; true if this call did it.
  @discardableResult
  func wake() -> Bool {
    guard pointee.claimWake() else { return false }
    pointee.wakes.wrappingAdd(1, ordering: .relaxed)
    System.wake(self)
    return true
  }
}
