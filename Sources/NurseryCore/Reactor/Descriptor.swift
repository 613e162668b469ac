/// A non-blocking descriptor that this library owns and fibers wait on; sockets and pipes are made of it.
///
/// A handle; the first close closes it for all holders. The nursery in which it was adopted closes it at the latest.
package struct Descriptor: @unchecked Sendable, Hashable {
  package let record: DescriptorRef
  package let generation: UInt32

  /// Takes charge of a descriptor that does not block.
  ///
  /// - Parameter isForAll: whether it belongs to no nursery.
  package init(adopting number: Int32, isForAll: Bool = false) {
    record = DescriptorTable.record(number)
    // User code may have closed a descriptor of this number unnoticed while fibers waited for it.
    generation = record.adopt()
    Performer.current().reserveReactor()
    if !isForAll, let nursery = Performer.current().scope.ambientNursery { record.pointee.resource.join(nursery) }
  }

  /// Refers to the descriptor that has the number now; user code closes it.
  init(borrowing number: Int32) {
    record = DescriptorTable.record(number)
    generation = record.generation
  }

  /// Whether a stream of this library owns the descriptor of this number.
  package static func isOwned(_ number: Int32) -> Bool {
    DescriptorTable.holds(number) && DescriptorTable.record(number).pointee.isOwned.load(ordering: .relaxed)
  }

  /// The number, for as long as it is open.
  package var number: Int32 { record.number }

  /// Whether it has been closed, or is being.
  package var isClosed: Bool {
    generation != record.generation || record.pointee.uses.load(ordering: .acquiring) & DescriptorRecord.closing != 0
  }

  /// Wakes the waiters to try again, for a reason that the kernel does not know.
  package func signal(_ interest: Interest) { record.gate(interest).signal() }

  /// Closes it and wakes all waiters, which find it closed; false if it is closed already.
  ///
  /// Calls in flight finish first; the last of them returns the number to the kernel. Never blocks.
  @discardableResult
  package func close() -> Bool { record.close(generation) }

  /// Calls the kernel without waiting.
  ///
  /// - Parameter wanted: the number of bytes asked for; fewer mean that there are no more. Nil if that does not hold.
  package func attempt(_ interest: Interest, wanted: Int? = nil, _ call: (Int32) -> Int) -> IOResult {
    // The note is valid only if the caller's own worker keeps it up to date, and will, because the caller is going to
    // wait.
    if let worker = Worker.ofThisThreadIfAny, worker.pointee.current.pointee.wait.isAboutToWait,
      let reactor = worker.reactorIfAny?.id, reactor == record.pointee.reactor.load(ordering: .relaxed),
      record.isKnownToBlock(interest, generation)
    {
      return .wouldBlock
    }
    return record.perform(generation, interest, wanted: wanted, call)
  }

  /// Calls the kernel; while the call would block, waits and retries.
  ///
  /// A cancellation point: then the kernel has done nothing.
  ///
  /// - Throws: `CancellationError`; `SystemError` if the descriptor cannot be watched.
  package func perform(_ interest: Interest, wanted: Int? = nil, _ call: (Int32) -> Int) throws -> IOResult {
    let me = Performer.enter()
    let gate = record.gate(interest)
    while true {
      if me.isCancelled { throw CancellationError() }
      let epoch = gate.epoch
      // If the descriptor is not registered, waiting registers it, which reports existing readiness.
      if !record.isKnownToBlock(interest, generation) {
        let result = record.perform(generation, interest, wanted: wanted, call)
        guard case .wouldBlock = result else { return result }
      }
      try beginWait(me, interest)
      defer { endWait(me) }
      guard gate.wait(me, DescriptorWait.of(interest), since: epoch) else { throw CancellationError() }
    }
  }

  /// The operation that commits when `attempt` returns a value; the attempt has no effect while the call would block.
  ///
  /// - Parameters:
  ///   - owner: kept alive while the operation is, because its end closes the descriptor.
  ///   - what: how dumps describe a waiter.
  package func op<Value>(
    _ interest: Interest, keeping owner: AnyObject? = nil, as what: StaticString? = nil,
    _ attempt: @escaping () throws -> Value?
  ) -> Op<Value> {
    let what = what ?? (interest == .readable ? DescriptorWait.reading : DescriptorWait.writing)
    return Op(AttemptOperation(record.gate(interest), of: owner, what, from: (self, interest), attempt))
  }
}

extension Descriptor {
  /// Before a wait: ensures that the performer's reactor watches the descriptor, and notes in the scheduler what it
  /// waits for.
  func beginWait(_ performer: FiberRef, _ interest: Interest) throws(SystemError) {
    if !performer.hasRegistered(record) {
      let reactor = try performer.reactor()
      try record.watch(by: reactor, generation: generation)
      reactor.backend.expect(number, interest)
    }
    performer.expectOutside()
  }

  func endWait(_ performer: FiberRef) { performer.endExpectation() }
}

extension DescriptorRef {
  /// Whether a call is known to block.
  ///
  /// The note of a call that would block is the gate's epoch before it. Any later event moves the epoch, so the note is
  /// valid until the next event, and only for callers that come after the call.
  ///
  /// The call is not counted in `uses`. The descriptor may be closed or reused after this: both move the epoch as their
  /// last step, so a caller that begins to wait with the epoch from before this tries again instead.
  @inline(__always)
  func isKnownToBlock(_ interest: Interest, _ generation: UInt32) -> Bool {
    let isClosing = pointee.uses.load(ordering: .acquiring) & DescriptorRecord.closing != 0
    guard interest != .none, !isClosing, generation == self.generation else { return false }
    let isRead = interest == .readable
    return wouldBlockEpoch(isRead) == UInt64((isRead ? readers : writers).epoch) + 1
  }

  /// Makes `call`, unless the descriptor is closed.
  @inline(__always)
  func perform(_ generation: UInt32, _ interest: Interest, wanted: Int? = nil, _ call: (Int32) -> Int) -> IOResult {
    guard beginUse(generation) else { return .closed }
    defer { endUse() }
    return IOResult(interest == .none ? call(number) : callAndNote(interest, wanted: wanted, call))
  }

  /// Makes `call` and notes from its result whether a further call would block.
  @inline(__always)
  func callAndNote(_ interest: Interest, wanted: Int?, _ call: (Int32) -> Int) -> Int {
    let isRead = interest == .readable
    let epoch = UInt64((isRead ? readers : writers).epoch) + 1
    let known = wouldBlockEpoch(isRead)
    let result = call(number)
    let isDrained =
      isRead && wanted.map { result < $0 && result > 0 && !pointee.isEnded.load(ordering: .relaxed) } ?? false
    let found = result == -Int(System.wouldBlock) || isDrained ? epoch : 0
    // An old note must be removed, because its epoch may recur when the counter wraps around.
    if found != known {
      if isRead {
        pointee.readWouldBlockEpoch.store(found, ordering: .relaxed)
      } else {
        pointee.writeWouldBlockEpoch.store(found, ordering: .relaxed)
      }
    }
    return result
  }

  @inline(__always)
  private func wouldBlockEpoch(_ isRead: Bool) -> UInt64 {
    isRead
      ? pointee.readWouldBlockEpoch.load(ordering: .relaxed) : pointee.writeWouldBlockEpoch.load(ordering: .relaxed)
  }

  /// The generation in which a new owner has the number; a waiter of an older generation finds it closed.
  fileprivate func adopt() -> UInt32 {
    let generation = pointee.lock.withLock {
      _ = renew()
      pointee.isOwned.store(true, ordering: .relaxed)
      return self.generation
    }
    readers.signal()
    writers.signal()
    return generation
  }
}

/// Describes a fiber that waits in `Descriptor.perform` to dumps and deadlock reports.
final class DescriptorWait: OperationSource, @unchecked Sendable {
  static let reading: StaticString = "something to read from a descriptor"
  static let writing: StaticString = "a descriptor to take more"
  private static let toRead = DescriptorWait(reading)
  private static let toWrite = DescriptorWait(writing)

  static func of(_ interest: Interest) -> OperationSource { interest == .readable ? toRead : toWrite }

  private let what: StaticString

  private init(_ what: StaticString) {
    self.what = what
    super.init()
  }

  override var waitDescription: String { what.description }
  override var descriptionKey: UInt? { WaitKind(what).word }

  /// The slot is the gate that the fiber waits at.
  override func waker(of offer: OfferRef) -> Waker {
    let gate = offer.pointee.slot.assumingMemoryBound(to: Gate.self)
    return DescriptorTable.number(of: gate).map { .descriptor($0) } ?? .unknown
  }
}
