import CSwitch
import Synchronization

package typealias DescriptorRef = UnsafeMutablePointer<DescriptorRecord>

/// State of one descriptor number and its waiters.
///
///     free --- adopt ---> open --- close ---> closing --- the last call in flight has returned ---> free, next generation
///
/// One thread may call the kernel with a number while another closes it, and the kernel reuses a closed number at once.
/// So every call is counted in `uses`, and the last of them returns the number to the kernel. A handle holds the
/// generation that it was adopted in. Calls, waits and events of an older generation find another one, and do not
/// affect the new owner.
///
/// Invariants. (1) Between `beginUse` and `endUse` the number belongs to the handle. (2) `close` marks the record, then
/// signals both gates: each waiter tries again and finds the mark. (3) The record is in its initial state again before
/// the number goes back to the kernel.
package struct DescriptorRecord: ~Copyable {
  // A field under the lock comes first: the thread sanitizer books a mutation of any part at the address of the whole.
  /// Earlier reactors that may still watch it, if fibers of several schedulers and plain threads use one descriptor.
  var otherReactors: [UInt32] = []
  // Elsewhere, because to take the address of a part of the record would count as a mutation of it.
  let readers: GateRef
  let writers: GateRef
  let number: Int32
  let lock = SpinLock(.descriptor)
  /// The number of calls in flight; the highest bits say that it is closing, and that a thread finishes the close.
  let uses = Atomic<UInt32>(0)
  let generation = Atomic<UInt32>(1)
  /// The gate's epoch, and 1, in which a read, or a write, would have blocked; 0 if the last one did not.
  let readWouldBlockEpoch = Atomic<UInt64>(0)
  let writeWouldBlockEpoch = Atomic<UInt64>(0)
  /// Whether a short read says nothing about there being more; see `Interest.ended`.
  let isEnded = Atomic<Bool>(false)
  /// The reactor that was the last to be asked to watch it, or 0.
  let reactor = Atomic<UInt32>(0)
  /// Whether a stream of this library owns the number, and closes it.
  let isOwned = Atomic<Bool>(false)

  /// Its place in the list of the nursery that closes it at the latest.
  let resource: NurseryResourceRef

  static var closing: UInt32 { 1 << 31 }
  static var finishing: UInt32 { 1 << 30 }

  /// - Parameters:
  ///   - gates: two, which stay as long as the record: for good.
  ///   - resource: stays as long.
  init(number: Int32, gates: GateRef, resource: NurseryResourceRef) {
    self.number = number
    self.resource = resource
    readers = gates
    writers = gates + 1
  }
}

extension DescriptorRef {
  package var number: Int32 { pointee.number }
  var generation: UInt32 { pointee.generation.load(ordering: .acquiring) }
  var readers: GateRef { pointee.readers }
  var writers: GateRef { pointee.writers }

  func gate(_ interest: Interest) -> GateRef { interest == .readable ? readers : writers }

  func fetch() { for line in 0..<2 { cs_prefetch(UnsafeRawPointer(self) + 64 * line) } }

  /// Called by a reactor with the readiness that it has found.
  func note(_ ready: Interest, generation: UInt32) {
    guard generation == self.generation else { return }
    let isBroken = ready.contains(.broken)
    if let here = Worker.ofThisThreadIfAny, here.isObserved {
      here.observeReadiness(number, UInt8(truncatingIfNeeded: ready.rawValue))
    }
    if ready.contains(.ended) || isBroken { pointee.isEnded.store(true, ordering: .relaxed) }
    if isBroken || ready.contains(.readable) { readers.signal() }
    if isBroken || ready.contains(.writable) { writers.signal() }
  }

  /// Ensures that a reactor watches the descriptor; it reports existing readiness, so a late registration misses no
  /// event.
  ///
  /// - Throws: `SystemError`; not for a kind of descriptor that is always ready.
  func watch(by reactor: Reactor, generation: UInt32) throws(SystemError) {
    let result = pointee.lock.withLock { watchLocked(by: reactor, generation: generation) }
    if result < 0, result != -System.notPermitted {
      throw SystemError(code: -result, action: "watch descriptor \(number)")
    }
  }

  private func watchLocked(by reactor: Reactor, generation: UInt32) -> Int32 {
    let isClosing = pointee.uses.load(ordering: .relaxed) & DescriptorRecord.closing != 0
    guard generation == self.generation, !isClosing else { return 0 }
    let last = pointee.reactor.load(ordering: .relaxed)
    let isKnown = last == reactor.id || pointee.otherReactors.contains(reactor.id)
    // User code may have closed its own descriptor unnoticed, and the number may be another's: each wait registers it
    // anew.
    if isKnown, pointee.isOwned.load(ordering: .relaxed) { return 0 }
    var result = isKnown ? -System.exists : reactor.backend.add(number, token: token(generation))
    if result == -System.exists { result = reactor.backend.renew(number, token: token(generation)) }
    guard result >= 0 else { return result }
    if isKnown { return 0 }
    if last != 0 {
      pointee.otherReactors.append(last)
      if pointee.otherReactors.count % 8 == 0 { forgetGoneReactors() }
    }
    pointee.reactor.store(reactor.id, ordering: .relaxed)
    return 0
  }

  /// A standard stream is never closed, so ended reactors would accumulate here.
  private func forgetGoneReactors() {
    var living: [UInt32] = []
    Reactor.forEachLiving { id, _ in living.append(id) }
    pointee.otherReactors.removeAll { !living.contains($0) }
  }

  /// Restores the initial state for the number's next owner; returns the reactors that watched it until now.
  ///
  /// Under the lock.
  func renew() -> (last: UInt32, others: [UInt32]) {
    let watchers = (pointee.reactor.exchange(0, ordering: .relaxed), pointee.otherReactors)
    pointee.otherReactors = []
    pointee.isOwned.store(false, ordering: .relaxed)
    pointee.readWouldBlockEpoch.store(0, ordering: .relaxed)
    pointee.writeWouldBlockEpoch.store(0, ordering: .relaxed)
    pointee.isEnded.store(false, ordering: .relaxed)
    pointee.generation.wrappingAdd(1, ordering: .releasing)
    return watchers
  }

  func token(_ generation: UInt32) -> UInt64 { UInt64(generation) << 32 | UInt64(UInt32(bitPattern: number)) }

  // MARK: Calls in flight

  /// Announces a call; false if the descriptor is closing or is another one by now.
  @inline(__always)
  func beginUse(_ generation: UInt32) -> Bool {
    let uses = pointee.uses.wrappingAdd(1, ordering: .acquiring).newValue
    if uses & DescriptorRecord.closing == 0, generation == self.generation { return true }
    endUse()
    return false
  }

  @inline(__always)
  func endUse() {
    let uses = pointee.uses.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
    if uses == DescriptorRecord.closing { finishClosing() }
  }

  /// Begins to close the descriptor of this generation; false if that has been done.
  func close(_ generation: UInt32) -> Bool {
    let begins = pointee.lock.withLock {
      guard generation == self.generation, pointee.uses.load(ordering: .relaxed) & DescriptorRecord.closing == 0 else {
        return false
      }
      // One use for this call, so that no other thread finishes the close before the waiters have been woken.
      pointee.uses.wrappingAdd(DescriptorRecord.closing + 1, ordering: .acquiringAndReleasing)
      return true
    }
    guard begins else { return false }
    pointee.resource.leave()
    readers.signal()
    writers.signal()
    endUse()
    return true
  }

  /// Returns the number to the kernel; the last call in flight has returned, but others may still begin and find it
  /// closing.
  @inline(never)
  private func finishClosing() {
    let finishing = DescriptorRecord.closing | DescriptorRecord.finishing
    guard
      pointee.uses.compareExchange(
        expected: DescriptorRecord.closing, desired: finishing, ordering: .acquiringAndReleasing
      ).exchanged
    else { return }
    let watchers = pointee.lock.withLock {
      defer { pointee.uses.wrappingSubtract(finishing, ordering: .releasing) }
      return renew()
    }
    // If another process has the file open, too, epoll would go on reporting it.
    if watchers.last != 0 {
      Reactor.forEachLiving { id, backend in
        if id == watchers.last || watchers.others.contains(id) { backend.remove(number) }
      }
    }
    System.close(number)
  }
}
