import CSwitch
import Synchronization

/// The stacks of one size: carved from large reservations, each with a guard below it, reused hottest first.
///
///     reservation (64 MiB or more, committed page by page as it is touched)
///     | guard | usable ............ top | guard | usable ......... top' | ...
///
/// A guard is addresses only. It is wide, because a function touches its frame anywhere: a buffer of 40 KiB that is
/// filled from its beginning would step over a guard of one page and write into the neighbour's stack.
///
/// A stack's memory is touched only from the top down, so a parked fiber costs one page. All tops at the same page
/// offset would compete for the same cache sets (53 ns against 9 ns a yield with 1,000 fibers), so the tops are
/// "coloured": staggered by 64 bytes, sixteen steps.
///
/// A free stack is in exactly one place: a worker's cache, `hot` (its top page may be resident) or `cold` (its
/// pages went back to the kernel, the header with them). See `StackPool+Trimming` for when.
public final class StackPool: @unchecked Sendable {
  /// The pool's view of itself, for statistics and leak tests.
  public struct Statistics: Sendable, Hashable {
    /// Stacks carved from reservations so far.
    public var mapped: Int
    /// Stacks that are not free: those of fibers and coroutines, and while schedulers run a few in their workers'
    /// caches.
    public var inUse: Int
    /// Free stacks that still have memory, for the next fibers; that of the others went back to the kernel.
    public var idle: Int

    /// Creates the figures of a pool.
    public init(mapped: Int, inUse: Int, idle: Int = 0) {
      (self.mapped, self.inUse, self.idle) = (mapped, inUse, idle)
    }
  }

  /// Bytes of one stack, a multiple of the page size; the guard below it takes addresses besides.
  public let stackSize: Int
  /// The distance from one stack to the next.
  let slotSize: Int

  private let state: UnsafeMutablePointer<State>
  /// Guards the state.
  private let lock = SpinLock(.leaf)

  /// When to look for unneeded stacks, in nanoseconds of the monotonic clock; `.max` while there cannot be any.
  ///
  /// Written under the lock.
  let observation = Atomic<Int64>(.max)
  /// How long a stack must lie unneeded to be returned.
  package var interval: Int64 {
    get { withState { $0.interval } }
    set { withState { $0.interval = newValue } }
  }

  struct State: ~Copyable {
    var hot = StackRing()
    var cold: [StackRef] = []
    /// The fewest that `hot` has held since the interval began.
    var low = 0
    /// How many at the cold end are still to be returned.
    var surplus = 0
    /// Whether an interval has begun.
    var isObserved = false
    var interval = StackPool.defaultInterval
    fileprivate var reservations: [(memory: UnsafeMutableRawPointer, size: Int)] = []
    fileprivate var uncarved: UnsafeMutableRawPointer?
    fileprivate var uncarvedEnd: UnsafeMutableRawPointer?
    /// Uncarved slots below this address have their guards.
    fileprivate var guardedEnd: UnsafeMutableRawPointer?
    fileprivate var mapped = 0
    /// All that are neither with a fiber nor in a worker's cache, those that are being returned included.
    fileprivate var free = 0
  }

  /// The smallest and largest sizes a configuration may ask for.
  static let sizes = (16 << 10)...(1 << 30)

  /// Creates an empty pool; nothing is reserved before the first stack is taken.
  ///
  /// - Parameter stackSize: bytes per stack, from 16 KiB to 1 GiB; rounded up to whole pages.
  /// - Throws: `ConfigurationError` for a size outside the range.
  public init(stackSize: Int) throws {
    guard Self.sizes.contains(stackSize) else {
      throw ConfigurationError(
        "stackSize is \(stackSize) bytes; write a size from \(Self.sizes.lowerBound) (16 KiB) to \(Self.sizes.upperBound) (1 GiB)"
      )
    }
    let page = System.pageSize
    self.stackSize = (stackSize + page - 1) / page * page
    slotSize = self.stackSize + Self.guardSize
    state = .new(State())
  }

  /// The pool that schedulers with this stack size share; its memory outlives them, so the next one starts warm.
  static func shared(stackSize: Int) throws -> StackPool {
    sharedPoolsLock.lock()
    defer { sharedPoolsLock.unlock() }
    if let pool = sharedPools[stackSize] { return pool }
    let pool = try StackPool(stackSize: stackSize)
    sharedPools[stackSize] = pool
    return pool
  }

  private static let sharedPoolsLock = SpinLock(.leaf)
  nonisolated(unsafe) private static var sharedPools: [Int: StackPool] = [:]

  deinit {
    for reservation in state.pointee.reservations {
      System.unreserve(reservation.memory, size: reservation.size)
    }
    state.destroy()
  }

  /// How many stacks there are, how many are in use, and how many of the others hold memory.
  public var statistics: Statistics {
    withState { Statistics(mapped: $0.mapped, inUse: $0.mapped - $0.free, idle: $0.hot.count) }
  }

  /// For all but the hot paths.
  func withState<Result>(_ body: (inout State) -> Result) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return body(&state.pointee)
  }

  // MARK: Taking and giving back

  /// A stack whose header is initialised and whose contents are arbitrary.
  func take() throws(StackError) -> StackRef {
    lock.lock()
    defer { lock.unlock() }
    if let stack = state.pointee.hot.popHottest() {
      state.pointee.low = min(state.pointee.low, state.pointee.hot.count)
      state.pointee.free -= 1
      stack.renew()
      return stack
    }
    if let stack = state.pointee.cold.popLast() {
      state.pointee.free -= 1
      initialiseHeader(stack, base: base(of: stack))
      return stack
    }
    return try carve()
  }

  /// Takes back a chain of `count` stacks linked through `nextFree`, the hottest first.
  func give(_ first: StackRef, count: Int) {
    lock.lock()
    defer { lock.unlock() }
    state.pointee.hot.push(first, count: count)
    state.pointee.free += count
    if state.pointee.hot.count > Self.keptStacks, !mayHaveSurplus, Self.returnsMemory {
      observation.store(0, ordering: .relaxed)
    }
  }

  // MARK: Carving

  private func carve() throws(StackError) -> StackRef {
    if state.pointee.uncarved == state.pointee.uncarvedEnd { try reserve() }
    let base = state.pointee.uncarved!
    if base == state.pointee.guardedEnd { try guardSlots(from: base) }
    state.pointee.uncarved = base + slotSize
    let colour = state.pointee.mapped % StackHeader.colours
    state.pointee.mapped += 1
    let top = base + slotSize - colour * 64 - StackHeader.reservedSize
    let stack = top.bindMemory(to: StackHeader.self, capacity: 1)
    initialiseHeader(stack, base: base)
    return stack
  }

  /// Makes several guards at once where there are many stacks already: a call costs as much as a guard.
  private func guardSlots(from base: UnsafeMutableRawPointer) throws(StackError) {
    let left = (state.pointee.uncarvedEnd! - base) / slotSize
    let wanted = min(left, max(1, state.pointee.mapped))
    let done = System.guardEach(base, size: Self.guardSize, stride: slotSize, count: wanted)
    if done < 0 { throw StackError(code: Int32(-done), mapped: state.pointee.mapped, stackSize: stackSize) }
    state.pointee.guardedEnd = base + done * slotSize
  }

  private func reserve() throws(StackError) {
    let count = state.pointee.reservations.count
    let wanted = max((64 << 20) << min(count / 16, 4), slotSize * 4)
    let size = wanted / slotSize * slotSize
    do {
      let memory = try System.reserve(size: size, alignment: 2 << 20)
      state.pointee.reservations.append((memory, size))
      state.pointee.uncarved = memory
      state.pointee.uncarvedEnd = memory + size
      state.pointee.guardedEnd = memory
      FaultReporter.register(memory, size: size, slotSize: slotSize)
    } catch {
      throw StackError(code: error.code, mapped: state.pointee.mapped, stackSize: stackSize)
    }
  }

  /// Bytes of addresses below each stack that fault; a multiple of the page size.
  static var guardSize: Int { max(64 << 10, System.pageSize) }

  /// The lowest address of a stack's slot; the header, which may be gone, is not read.
  ///
  /// The header is in the slot's last page, because all colours together are less than a page.
  func base(of stack: StackRef) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(stack).alignedUp(toMultipleOf: System.pageSize) - slotSize
  }

  private func initialiseHeader(_ stack: StackRef, base: UnsafeMutableRawPointer) {
    stack.initialize(to: StackHeader(base: base))
    cs_notes_begin(&stack.pointee.notes, stack.bottom, stack.top - stack.bottom)
  }
}
