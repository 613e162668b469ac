import CSwitch
import Synchronization

extension Worker {
  static func make(for scheduler: Scheduler, index: Int, duty: Duty = .regular, home: ScopeRef) -> WorkerRef {
    let worker = WorkerRef.allocate(capacity: 1)
    let loop = makeRecord(.loop, worker, home: home, name: nil)
    worker.initialize(
      to: Worker(
        scheduler: .passUnretained(scheduler), index: index, duty: duty,
        sharesWork: scheduler.parallelism > 1, sharesBegun: scheduler.migrates,
        decisions: scheduler.decisions,
        current: loop, loop: loop, seed: scheduler.seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15))
    return worker
  }

  static func makeRecord(_ kind: FiberRecord.Kind, _ worker: WorkerRef, home: ScopeRef, name: String?) -> FiberRef {
    let record = FiberSlab.allocateSingle()
    record.initialize(kind, worker: worker, home: home, name: name)
    return record
  }

  /// Called on the thread that will run the worker, if that is not the one that made it.
  mutating func adoptThread() {
    accessHead = cs_exclusivity_head()
    quickYields = quickYieldMask
    loop.pointee.stack = .forThread()
  }
}

extension WorkerRef {
  /// Runs fibers until the scheduler stops.
  func runLoop() {
    let loop = pointee.loop
    while let fiber = nextFromHandover() ?? pickRunnable() ?? findWork() {
      run(fiber, instead: loop)
    }
  }

  private func findWork() -> FiberRef? {
    pointee.scheduler!._withUnsafeGuaranteedRef { $0.findWork(self) }
  }

  /// The fiber that was picked too early: waits until it has left its stack, or has failed for want of one.
  private func nextFromHandover() -> FiberRef? {
    guard let fiber = pointee.handedOver else { return nil }
    pointee.handedOver = nil
    if fiber.pointee.stack == nil {
      do { try start(fiber) } catch {
        count(pointee.ended)
        fiber.pointee.body!._withUnsafeGuaranteedRef { $0.failUnstarted(error) }
        fiber.finishUnstarted()
        return nextFromHandover()
      }
    } else {
      spin { fiber.pointee.savedStack.load(ordering: .acquiring) == 0 }
    }
    return fiber
  }

  /// Gives back the stacks and records that a thread keeps for its next fibers.
  func giveBackMemory() {
    returnStacks(keeping: 0)
    FiberSlab.leave(self)
  }

  /// Frees a worker that no thread runs any more.
  func dispose() {
    FiberSlab.leave(self)
    if let reactor = pointee.reactorPointer.load(ordering: .acquiring) {
      Unmanaged<Reactor>.fromOpaque(reactor).release()
    }
    pointee.loop.pointee.stack?.disposeOfThread()
    pointee.loop.deinitialize(count: 1)
    pointee.loop.deallocate()
    pointee.queue.deinitialize(count: 1)
    pointee.queue.deallocate()
    pointee.timers.deinitialize(count: 1)
    pointee.timers.deallocate()
    pointee.sleep.deinitialize(count: 1)
    pointee.sleep.deallocate()
    deinitialize(count: 1)
    deallocate()
  }
}
