extension Nursery {
  /// Calls `hook` when all fibers of the nursery have ended, daemons included: the place to close what the children
  /// use.
  ///
  /// Hooks run on the fiber of the nursery's body, the last one registered first, whatever way the nursery ends. They are shielded from its
  /// cancellation, so they may wait; give such waits a timeout, nothing else ends them. What a hook throws counts as a failure
  /// of the nursery, and the remaining hooks run all the same. The nursery takes no children any more then: a hook that needs fibers
  /// opens a nursery of its own.
  ///
  /// Never blocks. A hook may be registered from anywhere, also by another hook. Registering one when the last hook has run is a
  /// mistake that traps.
  public func onExit<Ignored>(_ hook: sending @escaping () throws -> Ignored) {
    guard exitHooks.add({ _ = try hook() }) else {
      fatalError(
        "onExit in \(record.label), which has closed already; register the hook before the nursery's body returns")
    }
  }
}

/// What is to be done when a nursery has ended, last in, first out.
final class ExitHooks: @unchecked Sendable {
  private let lock = SpinLock(.object)
  @exclusivity(unchecked) private var hooks: [() throws -> Void] = []
  @exclusivity(unchecked) private var isDone = false

  /// False if the hooks have been run already.
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
        // An ending, not a failure.
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
