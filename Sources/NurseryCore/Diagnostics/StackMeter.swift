import CSwitch

/// The deepest use of stacks by spawn site, in a scheduler that measures.
///
/// Each fiber, before it runs, sets to zero what those before it have left on the stack; when its body has ended, the
/// lowest word that is not zero is its deepest use. So no fiber's use is taken for another's, whichever had the stack
/// before: a fiber of a scheduler that does not measure, or a coroutine.
final class StackMeter: @unchecked Sendable {
  private let lock = SpinLock(.leaf)
  @exclusivity(unchecked) private var found: [SourceSite.Key: Scheduler.StackUse] = [:]

  func note(_ site: SourceSite, depth: Int) {
    lock.lock()
    defer { lock.unlock() }
    found[site.key, default: .init(site: site, fibers: 0, deepest: 0)].add(fibers: 1, deepest: depth)
  }

  /// The deepest first.
  var uses: [Scheduler.StackUse] {
    lock.lock()
    let found = found.values
    lock.unlock()
    // One file's name may lie at two addresses.
    var bySite: [SourceSite: Scheduler.StackUse] = [:]
    for use in found {
      bySite[use.site, default: .init(site: use.site, fibers: 0, deepest: 0)].add(
        fibers: use.fibers, deepest: use.deepest)
    }
    return bySite.values.sorted { ($1.deepest, $0.site.description) < ($0.deepest, $1.site.description) }
  }
}

/// The first frame of a stack that is measured, for one fiber after the other.
///
/// Like `fiberEntry`, which schedulers that do not measure use, so that it costs them nothing.
let measuredFiberEntry: @convention(c) (UnsafeMutableRawPointer) -> Void = { argument in
  cs_entered()
  var me = argument.assumingMemoryBound(to: FiberRecord.self)
  let stack = me.pointee.stack!
  repeat {
    cs_clear_unused(stack.bottom)
    runToEndMeasured(me)
    me = Worker.runNextAfterEnd(on: stack)
  } while true
}

@inline(never)
private func runToEndMeasured(_ me: FiberRef) {
  let stack = me.pointee.stack!
  me.runBody()
  // Before the end is published, so that a waiter finds the fiber among those that were measured.
  let depth = stack.top - cs_lowest_used(stack.bottom)
  me.pointee.worker.pointee.scheduler!._withUnsafeGuaranteedRef { $0.stackMeter!.note(me.site, depth: depth) }
  me.end()
}
