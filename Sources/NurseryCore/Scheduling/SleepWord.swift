import Synchronization

/// The word a thread sleeps on (futex(2)), or by which it is found asleep in a reactor, where a bell wakes it.
///
///     awake --- prepare ---> asleep ---- wake, by any thread, once -> told --- rise ---> awake
///                            |   |                                     ^                   ^
///                            |   +-- beginPolling --> polling -- wake --+                  |
///                            |                           |                                 |
///                            +---------------------------+-- rise, by itself --------------+
///
/// Before it sleeps in the kernel, a thread may watch the word for a while: `asleep` becomes `watching`, and `asleep`
/// again when the while is over. A wakeup then needs no system call.
///
/// `wake` succeeds for exactly one caller per sleep; a sleeper that rises by itself may still have been told, which
/// does no harm: it looks for work either way. A bell may ring late; the thread that sleeps in the reactor then wakes
/// for nothing.
struct SleepWord: ~Copyable {
  // The kernel is given the address of the whole: this field must stay first.
  private let state = Atomic<UInt32>(awake)
  /// How often the thread has slept in the kernel, and was woken there by another.
  fileprivate let sleeps = Atomic<Int>(0)
  fileprivate let wakes = Atomic<Int>(0)
  /// What to ring for one that polls; written before it does.
  private let bell = Atomic<Int32>(-1)

  private static let awake: UInt32 = 0
  private static let asleep: UInt32 = 1
  private static let told: UInt32 = 2
  private static let polling: UInt32 = 3
  private static let watching: UInt32 = 4

  func prepare() { state.store(Self.asleep, ordering: .sequentiallyConsistent) }
  func rise() { state.store(Self.awake, ordering: .relaxed) }
  var isAsleep: Bool {
    let state = state.load(ordering: .relaxed)
    return state == Self.asleep || state == Self.polling || state == Self.watching
  }

  /// Whether a caller would find it asleep, or another has already woken it, and it has not risen yet: it will look for
  /// work.
  fileprivate var isSleepyOrTold: Bool { state.load(ordering: .sequentiallyConsistent) != Self.awake }

  /// What is to be done by the one call that ends a sleep.
  enum Wakeup {
    case none
    /// The thread sees it by itself.
    case seen
    case futex
    case ring(Int32)
  }

  /// Makes the one call that ends a sleep, if this is it.
  ///
  /// The sleeper may go from one way of sleeping to another meanwhile, and back: each attempt expects what the one before
  /// has found. Modelled in `Tests/Models/watch.pml`.
  func claimWake() -> Wakeup {
    var expected = Self.asleep
    while true {
      let (isMine, found) = state.compareExchange(
        expected: expected, desired: Self.told, ordering: .sequentiallyConsistent)
      if isMine { break }
      if found == Self.awake || found == Self.told { return .none }
      expected = found
    }
    return switch expected {
    case Self.polling: .ring(bell.load(ordering: .relaxed))
    case Self.watching: .seen
    default: .futex
    }
  }

  /// Watches for a wakeup, without a system call; false if there is none in time, and the thread may sleep.
  ///
  /// `prepare` has been called and everything been looked at once more since.
  func watch(nanoseconds: Int64) -> Bool {
    let begun = state.compareExchange(
      expected: Self.asleep, desired: Self.watching, ordering: .sequentiallyConsistent)
    guard begun.exchanged else { return true }
    let isSeen = Spinning.wait(nanoseconds: nanoseconds) { state.load(ordering: .acquiring) != Self.watching }
    if isSeen { return true }
    return !state.compareExchange(
      expected: Self.watching, desired: Self.asleep, ordering: .sequentiallyConsistent
    ).exchanged
  }

  /// Goes to sleep in a reactor; false if the thread has been told already.
  func beginPolling(bell: Int32) -> Bool {
    self.bell.store(bell, ordering: .relaxed)
    sleeps.wrappingAdd(1, ordering: .relaxed)
    return state.compareExchange(expected: Self.asleep, desired: Self.polling, ordering: .sequentiallyConsistent)
      .exchanged
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

  /// How often the thread has slept in the kernel, and was woken there by another; two system calls.
  var counts: (sleeps: Int, wakes: Int) {
    (pointee.sleeps.load(ordering: .relaxed), pointee.wakes.load(ordering: .relaxed))
  }

  /// Wakes the thread if it sleeps; true if it will look for work: this call has woken it, or one before.
  func wakeOnce() -> Bool {
    guard pointee.isSleepyOrTold else { return false }
    wake()
    return true
  }

  /// Wakes the thread if it sleeps; true if this call did it.
  @discardableResult
  func wake() -> Bool {
    switch pointee.claimWake() {
    case .none: return false
    case .seen: return true
    case .futex: System.wake(self)
    case .ring(let bell): System.ring(bell)
    }
    pointee.wakes.wrappingAdd(1, ordering: .relaxed)
    return true
  }
}
