/// The two locks of a `ReadWriteLock`.
///
///     writing                  one owner
///     reading                  `readers` performers; `reads` counts the nested reads of each
///     writers, newReaders      those that wait
///
/// Invariants, whenever `lock` is free: no reader reads while a writer writes; the first waiting writer waits for a
/// writer or a reader; a waiting reader waits for a writer that writes or waits. Hence every end of a use and every
/// removal of a waiting writer calls `settle`. A grant commits the waiter; the performer enters itself into `reads`, or
/// as the owner, when it goes on. Removing a waiter takes time linear in the number of waiters.
final class ReadWriteGate: @unchecked Sendable {
  private struct Read {
    var depth: Int
    let site: SourceSite
  }

  private let lock = SpinLock(.queue)
  private let owner = LockOwner()
  @exclusivity(unchecked) private var isWriting = false
  @exclusivity(unchecked) private var readers = 0
  @exclusivity(unchecked) private var reads: [PerformerKey: Read] = [:]
  @exclusivity(unchecked) private var writers: [Waiter<Void>] = []
  @exclusivity(unchecked) private var newReaders: [Waiter<Void>] = []

  private func locked<Result>(_ body: () throws -> Result) rethrows -> Result { try lock.withLock(body) }

  // MARK: Reading

  func read(_ site: SourceSite) throws -> PerformerKey {
    let me = Performer.enter()
    if me.isCancelled { throw CancellationError() }
    let key = PerformerKey(me)
    if owner.isPerformer(key) { throw RelockError(held: owner.site, again: site) }
    let hasBegun = locked {
      guard startsReading(key) else { return false }
      note(key, site)
      return true
    }
    if !hasBegun {
      try Op(base: Reading(gate: self, reader: key)).perform()
      locked { note(key, site) }
    }
    return key
  }

  func readOp(_ site: SourceSite) -> Op<PerformerKey> {
    .guarded { [self] in
      let key = PerformerKey.caller
      if owner.isPerformer(key) { throw RelockError(held: owner.site, again: site) }
      return Op(base: Reading(gate: self, reader: key)).wrap { [self] in
        locked { note(key, site) }
        return key
      }
    }
  }

  /// Enters a reader that has been granted a read; under the lock.
  ///
  /// A guard or an abandonment of the same perform may have begun or ended another read of it, even since the grant.
  private func note(_ key: PerformerKey, _ site: SourceSite) {
    guard reads[key] != nil else { return reads[key] = Read(depth: 1, site: site) }
    reads[key]!.depth += 1
    readers -= 1
  }

  /// Grants a read that need not wait; a nested one never waits, and `note` corrects the count.
  private func startsReading(_ key: PerformerKey) -> Bool {
    guard !isWriting && writers.isEmpty || reads[key] != nil else { return false }
    readers += 1
    return true
  }

  func endReading(_ key: PerformerKey) {
    locked {
      reads[key]!.depth -= 1
      guard reads[key]!.depth == 0 else { return }
      reads[key] = nil
      readers -= 1
      settle()
    }
  }

  // MARK: Writing

  func write(_ site: SourceSite) throws {
    let me = Performer.enter()
    if me.isCancelled { throw CancellationError() }
    let key = PerformerKey(me)
    try checkWriter(key, site)
    if locked({ !startsWriting() }) { try Op(base: Writing(gate: self)).perform() }
    owner.set(key, site)
  }

  func writeOp(_ site: SourceSite) -> Op<Void> {
    .guarded { [self] in
      let key = PerformerKey.caller
      try checkWriter(key, site)
      return Op(base: Writing(gate: self)).wrap { [self] in owner.set(key, site) }
    }
  }

  private func checkWriter(_ key: PerformerKey, _ site: SourceSite) throws {
    if owner.isPerformer(key) { throw RelockError(held: owner.site, again: site) }
    if let read = locked({ reads[key] }) { throw UpgradeError(held: read.site, asked: site) }
  }

  private func startsWriting() -> Bool {
    guard !isWriting, readers == 0, writers.isEmpty else { return false }
    isWriting = true
    return true
  }

  func endWriting() {
    owner.clear()
    locked {
      isWriting = false
      settle()
    }
  }

  // MARK: Waiting

  /// Lets in the first writer if the lock is free, or all waiting readers if no writer is left.
  private func settle() {
    while !isWriting, readers == 0, !writers.isEmpty {
      isWriting = writers.removeFirst().commit(())
    }
    guard !isWriting, writers.isEmpty else { return }
    for reader in newReaders where reader.commit(()) { readers += 1 }
    newReaders.removeAll(keepingCapacity: true)
  }

  /// Traps if the caller does not own the write lock.
  func checkWriter() {
    require(
      owner.isCaller,
      "the write lock taken at \(owner.site) is used by another fiber, thread or task than its owner; let the owner release it, and perform writeLockOp() here"
    )
  }

  /// The writer, or of the readers the one with the lowest number.
  private var waker: Waker {
    let reader = locked { isWriting ? nil : reads.min { $0.key.id < $1.key.id } }
    return reader.map { .holder($0.key.forDumps, $0.value.site) } ?? owner.waker
  }

  private var state: String {
    let (isWriting, reads) = locked { (self.isWriting, self.reads) }
    if isWriting { return "a ReadWriteLock\(owner.description)" }
    let readers = reads.map { "\($0.key.label) since \($0.value.site)" }.sorted()
    let more = readers.count > 4 ? " and \(readers.count - 4) more" : ""
    return "a ReadWriteLock read by \(readers.prefix(4).joined(separator: ", "))\(more)"
  }

  private struct Reading: OwnOperation {
    let gate: ReadWriteGate
    let reader: PerformerKey

    func poll() -> Void? { gate.locked { gate.startsReading(reader) ? () : nil } }

    func enlist(_ waiter: Waiter<Void>) {
      gate.locked {
        gate.newReaders.append(waiter)
        gate.settle()
      }
    }

    func withdraw(_ waiter: Waiter<Void>) { gate.locked { gate.newReaders.removeAll { $0 == waiter } } }

    var waitDescription: String { "to read, \(gate.state)" }
    static var kindDescription: String { "to read a ReadWriteLock" }
    var dumpDescription: String { Self.kindDescription }
    var waker: Waker { gate.waker }
  }

  private struct Writing: OwnOperation {
    let gate: ReadWriteGate

    func poll() -> Void? { gate.locked { gate.startsWriting() ? () : nil } }

    func enlist(_ waiter: Waiter<Void>) {
      gate.locked {
        gate.writers.append(waiter)
        gate.settle()
      }
    }

    func withdraw(_ waiter: Waiter<Void>) {
      gate.locked {
        gate.writers.removeAll { $0 == waiter }
        gate.settle()
      }
    }

    var waitDescription: String { "to write, \(gate.state)" }
    static var kindDescription: String { "to write a ReadWriteLock" }
    var dumpDescription: String { Self.kindDescription }
    var waker: Waker { gate.waker }
  }
}
