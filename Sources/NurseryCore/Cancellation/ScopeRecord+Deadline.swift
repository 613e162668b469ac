/// Deadlines: a scope may cancel itself at an instant.
extension ScopeRef {
  /// Lets another worker of the same thread fire the deadlines of this scope and those around it.
  func moveDeadlines(from old: WorkerRef, to new: WorkerRef) {
    var candidate: ScopeRef? = self
    while let scope = candidate {
      candidate = scope.pointee.parent
      guard scope.pointee.deadlineWorker == old else { continue }
      old.pointee.timers.remove(scope)
      scope.pointee.deadlineWorker = nil
      if scope.pointee.isCancelled { continue }
      scope.pointee.deadlineWorker = new
      new.pointee.timers.insert(.deadline(scope), deadline: scope.pointee.deadline)
    }
  }

  /// Sets the instant at which the scope cancels itself; `.max` for never.
  package func setDeadline(_ deadline: Int64, on performer: FiberRef) {
    if let worker = pointee.deadlineWorker { worker.pointee.timers.remove(self) }
    pointee.deadline = deadline
    pointee.deadlineWorker = nil
    if deadline == .max { return }
    if deadline <= performer.now { return cancel(.deadline) }
    pointee.deadlineWorker = performer.pointee.worker
    performer.pointee.worker.pointee.timers.insert(.deadline(self), deadline: deadline)
    performer.pointee.worker.tellWatch(of: deadline)
  }
}
