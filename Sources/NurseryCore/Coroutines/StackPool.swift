import CSwitch
import Synchronization

/// The stacks of one size: carved from large reservations, each with a guard below it, reused hottest first.
///
///     reservation (64 MiB or more, committed page by page as it is touched)
///     | guard | usable ............ top | guard | usable ......... top' | ...
///
/// A stack's memory is touched only from the top down, so a parked fiber costs one page. All tops at the same page
/// offset would compete for the same cache sets (53 ns against 9 ns a yield with 1,000 fibers), so the tops are
/// "coloured": staggered by 64 bytes, sixteen steps.
///
/// A free stack is in exactly one place: a worker's cache, `hot` (its top page may be resident) or `cold` (its
/// pages went back to the kernel). Links of the free list live in the free stacks' headers.
public final class StackPool: @unchecked Sendable {
  /// The pool's view of itself, for statistics and leak tests.
  public struct Statistics: Sendable, Hashable {
    /// Stacks carved from reservations so far.
    public var mapped: Int
    /// Stacks that are not free: those of fibers and coroutines, and while schedulers run a few in their workers' caches.
    public var inUse: Int
  }

  /// Bytes reserved for one stack, guard included; a multiple of the page size.
  public let stackSize: Int

  private let state: UnsafeMutablePointer<State>

  /// A stack whose header went back to the kernel with its other pages.
  private struct ColdStack {
    let stack: StackRef
    let base: UnsafeMutableRawPointer
  }

  private struct State: ~Copyable {
    var hot: StackRef?
    let lock = SpinLock()
    var cold: [ColdStack] = []
    var reservations: [(memory: UnsafeMutableRawPointer, size: Int)] = []
    var uncarved: UnsafeMutableRawPointer?
    var uncarvedEnd: UnsafeMutableRawPointer?
    var mapped = 0
    var free = 0
  }

  /// The smallest and largest sizes a configuration may ask for.
  static let sizes = (16 << 10)...(1 << 30)

  /// Creates an empty pool; nothing is reserved before the first stack is taken.
  ///
  /// - Parameter stackSize: bytes per stack, guard included, from 16 KiB to 1 GiB; rounded up to whole pages.
  /// - Throws: `ConfigurationError` for a size outside the range.
  public init(stackSize: Int) throws {
    guard Self.sizes.contains(stackSize) else {
      throw ConfigurationError(
        "stackSize is \(stackSize) bytes; write a size from \(Self.sizes.lowerBound) (16 KiB) to \(Self.sizes.upperBound) (1 GiB)"
      )
    }
    let page = System.pageSize
    self.stackSize = (stackSize + page - 1) / page * page
    state = .allocate(capacity: 1)
    state.initialize(to: State())
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

  private static let sharedPoolsLock = SpinLock()
  nonisolated(unsafe) private static var sharedPools: [Int: StackPool] = [:]

  deinit {
    for reservation in state.pointee.reservations {
      System.unreserve(reservation.memory, size: reservation.size)
    }
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// How many stacks there are and how many are in use.
  public var statistics: Statistics {
    state.pointee.lock.lock()
    defer { state.pointee.lock.unlock() }
    return Statistics(mapped: state.pointee.mapped, inUse: state.pointee.mapped - state.pointee.free)
  }

  // MARK: Taking and giving back

  /// A stack whose header is initialised and whose contents are arbitrary.
  func take() throws(StackError) -> StackRef {
    state.pointee.lock.lock()
    defer { state.pointee.lock.unlock() }
    if let stack = state.pointee.hot {
      state.pointee.hot = stack.pointee.nextFree
      state.pointee.free -= 1
      stack.renew()
      return stack
    }
    if let stack = state.pointee.cold.popLast() {
      state.pointee.free -= 1
      initialiseHeader(stack.stack, base: stack.base)
      return stack.stack
    }
    return try carve()
  }

  /// Takes back a chain of `count` stacks linked through `nextFree`.
  func give(_ first: StackRef, count: Int) {
    state.pointee.lock.lock()
    defer { state.pointee.lock.unlock() }
    var last = first
    while let next = last.pointee.nextFree { last = next }
    last.pointee.nextFree = state.pointee.hot
    state.pointee.hot = first
    state.pointee.free += count
  }

  /// Returns the memory of free stacks to the kernel, except the `keeping` hottest ones.
  ///
  /// The addresses stay reserved, so later fibers find them again at the price of page faults.
  public func trim(keeping: Int = 0) {
    // See `renew` for why the thread sanitizer's notes are not given up.
    if cs_sanitizer() == 2 { return }
    state.pointee.lock.lock()
    var kept: StackRef?
    var surplus = state.pointee.hot
    for _ in 0..<keeping {
      guard let stack = surplus else { break }
      kept = stack
      surplus = stack.pointee.nextFree
    }
    if let kept { kept.pointee.nextFree = nil } else { state.pointee.hot = nil }
    state.pointee.lock.unlock()

    // Between the two locks the surplus belongs to this call alone.
    var returned: [ColdStack] = []
    while let stack = surplus {
      surplus = stack.pointee.nextFree
      let base = stack.pointee.base
      cs_notes_end(&stack.pointee.notes)
      System.returnPages(base, size: stackSize)
      returned.append(ColdStack(stack: stack, base: base))
    }
    guard !returned.isEmpty else { return }
    state.pointee.lock.lock()
    state.pointee.cold.append(contentsOf: returned)
    state.pointee.lock.unlock()
  }

  // MARK: Carving

  private func carve() throws(StackError) -> StackRef {
    if state.pointee.uncarved == state.pointee.uncarvedEnd { try reserve() }
    let base = state.pointee.uncarved!
    let failure = System.guardPages(base, size: guardSize)
    if failure < 0 { throw StackError(code: -failure, mapped: state.pointee.mapped, stackSize: stackSize) }
    state.pointee.uncarved = base + stackSize
    let colour = state.pointee.mapped % StackHeader.colours
    state.pointee.mapped += 1
    let top = base + stackSize - colour * 64 - StackHeader.reservedSize
    let stack = top.bindMemory(to: StackHeader.self, capacity: 1)
    initialiseHeader(stack, base: base)
    return stack
  }

  private func reserve() throws(StackError) {
    let count = state.pointee.reservations.count
    let wanted = max((64 << 20) << min(count / 16, 4), stackSize * 4)
    let size = wanted / stackSize * stackSize
    do {
      let memory = try System.reserve(size: size, alignment: 2 << 20)
      state.pointee.reservations.append((memory, size))
      state.pointee.uncarved = memory
      state.pointee.uncarvedEnd = memory + size
      FaultReporter.register(memory, size: size, stackSize: stackSize, guardSize: guardSize)
    } catch {
      throw StackError(code: error.code, mapped: state.pointee.mapped, stackSize: stackSize)
    }
  }

  var guardSize: Int { System.pageSize }

  private func initialiseHeader(_ stack: StackRef, base: UnsafeMutableRawPointer) {
    stack.initialize(to: StackHeader(base: base))
    cs_notes_begin(&stack.pointee.notes, base + guardSize, UnsafeMutableRawPointer(stack) - (base + guardSize))
  }
}
