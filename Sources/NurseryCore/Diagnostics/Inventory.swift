/// What the fibers of one run have begun, and what of it is left when the run is over.
///
/// Kept by deterministic schedulers, which have one worker and one thread; so what others do in the same process does
/// not show.
package final class Inventory: @unchecked Sendable {
  /// What is left of a run that is over.
  package struct Leftovers: Sendable, Hashable {
    /// The labels of the fibers whose handles are still held.
    package var fibers: [String] = []
    /// The stacks of coroutines that have not been dropped.
    package var stacks = 0
    /// The timers that are still set.
    package var timers = 0

    package var isEmpty: Bool { fibers.isEmpty && stacks == 0 && timers == 0 }
  }

  private struct NotedFiber {
    weak var body: FiberBody?
  }

  @exclusivity(unchecked) private var fibers: [NotedFiber] = []
  @exclusivity(unchecked) private var stacks = 0
  @exclusivity(unchecked) private var timers = 0

  package init() {}

  /// Notes a fiber that is about to run, for the first time if it has no stack.
  func noteRunning(_ fiber: FiberRef) {
    guard fiber.pointee.stack == nil, let body = fiber.pointee.body else { return }
    body._withUnsafeGuaranteedRef { note($0) }
  }

  /// Notes a fiber.
  func note(_ body: FiberBody) { fibers.append(NotedFiber(body: body)) }

  func noteStackTaken() { stacks += 1 }
  func noteStackGivenBack() { stacks -= 1 }
  func noteTimersLeft(_ count: Int) { timers = count }

  /// What is left now; the run is over.
  package var leftovers: Leftovers {
    var leftovers = Leftovers(stacks: stacks, timers: timers)
    for (index, fiber) in fibers.enumerated() {
      guard let body = fiber.body else { continue }
      leftovers.fibers.append(
        body.record.name.map { "fiber \"\($0)\"" } ?? "a fiber without a name, number \(index + 1) of the run")
    }
    return leftovers
  }
}

extension Inventory {
  /// The inventory of the scheduler that runs the calling fiber, if it keeps one.
  static var current: Inventory? {
    Worker.ofThisThreadIfAny?.pointee.decisions?._withUnsafeGuaranteedRef { $0.inventory }
  }
}
