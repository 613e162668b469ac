extension Nursery {
  /// Calls `hook` when all fibers of the nursery have ended, daemons included; close the children's resources there.
  ///
  /// Hooks run on the fiber of the nursery's body, the last one registered first, however the nursery ends. They are
  /// shielded from its cancellation, so they may wait; give such waits a timeout, because nothing else ends them. An
  /// error of a hook counts as a failure of the nursery, and the remaining hooks still run. The nursery accepts no
  /// children then: a hook that needs fibers opens its own nursery.
  ///
  /// Never blocks. Any fiber or thread may register a hook, also another hook. Traps after the last hook has run.
  public func onExit<Ignored>(_ hook: sending @escaping () throws -> Ignored) {
    guard exitHooks.add({ _ = try hook() }) else {
      fatalError(
        "onExit in \(record.label), which has closed already; register the hook before the nursery's body returns")
    }
  }
}

/// The exit hooks of a nursery, last in, first out.
final class ExitHooks: @unchecked Sendable {
  private let lock = SpinLock(.object)
  @exclusivity(unchecked) private var hooks: [() throws -> Void] = []
  @exclusivity(unchecked) private var isDone = false

  /// Returns false if the hooks have already been run.
  func add(_ hook: @escaping () throws -> Void) -> Bool {
    lock.withLock {
      if !isDone { hooks.append(hook) }
      return !isDone
    }
  }

  /// Runs the hooks, and those that they add, each in a shield.
  func run(onFailure: (any Error) -> Void) {
    while let hook = next() {
      do {
        try withShield(hook)
      } catch is CancellationError {
        // Not a failure.
      } catch {
        onFailure(error)
      }
    }
  }

  private func next() -> (() throws -> Void)? {
    lock.withLock {
      isDone = hooks.isEmpty
      return hooks.popLast()
    }
  }
}
