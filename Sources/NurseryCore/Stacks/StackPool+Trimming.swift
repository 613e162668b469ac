import CSwitch
import Synchronization

// When free stacks go back to the kernel while a scheduler runs.
//
// A stack that was free for a whole interval was not needed in it. The pool records the smallest number n of stacks
// that were free in `hot` at any time in the current interval. So n stacks were free throughout, and because stacks are
// taken at the hot end, these are the n at the cold end. At the end of the interval they are returned, except a few.
// (Bonwick and Adams, "Magazines and Vmem", 2001, reap a depot by the same measure.) So a burst that recurs within the
// interval finds all its stacks; a later one costs a page fault per stack.
//
//     settled ---- more are free than are kept ----> due ---- looked at ----> observed ---- interval over ---->
//        ^                                                                        ^      some not needed: slices go
//        +---- few are free ------------------------------------------------------+---- all needed: next interval
//
// No thread is dedicated to this. A worker that is about to sleep does it, in slices, so that a wakeup meanwhile is not
// delayed. If no worker ever sleeps, a worker that returns stacks to the pool does it. Both first read one word.
extension StackPool {
  /// This many free stacks are not worth a system call.
  static let keptStacks = 64
  /// How many stacks one slice returns: some 20 to 60 microseconds.
  static let sliceSize = 128
  /// Not under the thread sanitizer: see `renew` for why its notes are not given up.
  static var returnsMemory: Bool { cs_sanitizer() != 2 }
  /// How long a stack must lie unneeded, in nanoseconds.
  package static let defaultInterval: Int64 = 2_000_000_000

  /// Returns a slice of the stacks that were not needed for an interval, if there are any.
  ///
  /// - Returns: how many nanoseconds later this wants to be called again; 0 while there is more to return, nil if everything is settled.
  func returnUnneeded(now: Int64) -> Int64? {
    let due = observation.load(ordering: .relaxed)
    if due > now { return due == .max ? nil : due - now }
    var slice: [StackRef] = []
    let next = withState { state in
      // Another thread may have checked meanwhile.
      let due = observation.load(ordering: .relaxed)
      if due > now { return due }
      let next = plan(&state, now: now)
      if state.surplus > 0 {
        let count = min(state.surplus, Self.sliceSize)
        slice.reserveCapacity(count)
        while slice.count < count, let stack = state.hot.popColdest() { slice.append(stack) }
        state.surplus -= count
        state.low = min(state.low, state.hot.count)
      }
      observation.store(next, ordering: .relaxed)
      return next
    }
    returnToKernel(slice)
    return next == .max ? nil : max(0, next - now)
  }

  /// Decides how many to return, and when to look again.
  private func plan(_ state: inout State, now: Int64) -> Int64 {
    if state.surplus == 0 {
      // The first look at a pool that was settled begins an interval.
      if state.isObserved { state.surplus = state.low - Self.keptStacks }
      state.isObserved = true
      state.low = state.hot.count
    }
    // Less when those that are returned are being taken after all.
    state.surplus = max(0, min(state.surplus, state.hot.count - Self.keptStacks))
    if state.surplus > Self.sliceSize { return now }
    if state.hot.count - state.surplus > Self.keptStacks { return now + state.interval }
    state.isObserved = false
    return .max
  }

  /// Whether there may be stacks to return, now or later: one load.
  var mayHaveSurplus: Bool { observation.load(ordering: .relaxed) != .max }

  /// For one that has just given stacks back, and may be the only one awake for ever.
  func returnUnneededIfDue() {
    if mayHaveSurplus { _ = returnUnneeded(now: System.monotonicNow()) }
  }

  /// Returns the memory of free stacks to the kernel, except the `keeping` hottest ones.
  ///
  /// Schedulers do this themselves: while they run, with stacks that were not needed for some seconds, and at their end
  /// with all but a few. The addresses stay reserved, so later fibers find them again at the price of page faults.
  /// Never blocks.
  public func trim(keeping: Int = 0) {
    if !Self.returnsMemory { return }
    var slice: [StackRef] = []
    repeat {
      slice.removeAll(keepingCapacity: true)
      withState { state in
        while slice.count < 1024, state.hot.count > keeping, let stack = state.hot.popColdest() { slice.append(stack) }
        state.low = min(state.low, state.hot.count)
      }
      returnToKernel(slice)
    } while !slice.isEmpty
  }

  /// Gives back the pages of stacks that belong to the caller alone; neighbours with one call.
  ///
  /// Guards stay, of either kind.
  private func returnToKernel(_ returned: [StackRef]) {
    if returned.isEmpty { return }
    let stacks = returned.sorted()
    for stack in stacks { cs_notes_end(&stack.pointee.notes) }
    var start = base(of: stacks[0])
    var end = start
    for stack in stacks {
      let base = base(of: stack)
      if base != end {
        System.returnPages(start, size: end - start)
        start = base
      }
      end = base + slotSize
    }
    System.returnPages(start, size: end - start)
    withState { $0.cold.append(contentsOf: stacks) }
  }
}
