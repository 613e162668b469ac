import CSwitch
import Synchronization

package typealias DescriptorRef = UnsafeMutablePointer<DescriptorRecord>

/// What is known of a descriptor's number, and who waits for it.
///
///     free --- adopt ---> open --- close ---> closing --- the last call in flight has returned ---> free, next generation
///
/// A number is used by one thread to call the kernel while another may close it, and the kernel gives it away again at once. So every
/// call is counted in `uses`, and the number goes back to the kernel with the last of them. A handle holds the
/// generation that it was adopted in; an older one's calls, waits and events find another generation, and are none of the successor's.
///
/// Invariants. (1) Between `beginUse` and `endUse` the number is the handle's. (2) `close` marks the record, then signals both gates: who
/// waits tries again and finds the mark. (3) Everything here is as good as new before the number goes back to the kernel.
package struct DescriptorRecord: ~Copyable {
  // A field under the lock comes first: the thread sanitizer books a mutation of any part at the address of the whole.
  /// The reactors before `reactor` that may watch it still, where fibers of several schedulers and plain threads use one descriptor.
  var otherReactors: [UInt32] = []
  // Elsewhere, because to take the address of a part of the record would count as a mutation of it.
  let readers: GateRef
  let writers: GateRef
  let number: Int32
  let lock = SpinLock(.descriptor)
  /// How many calls are in flight; the highest bits say that it is closing, and that somebody finishes that.
  let uses = Atomic<UInt32>(0)
  let generation = Atomic<UInt32>(1)
  /// The gate's epoch, and 1, in which a read, or a write, was tried in vain; 0 if the last one was not.
  let vainRead = Atomic<UInt64>(0)
  let vainWrite = Atomic<UInt64>(0)
  /// Whether a short read says nothing about there being more; see `Interest.ended`.
  let isEnded = Atomic<Bool>(false)
  /// The reactor that was the last to be asked to watch it, or 0.
  let reactor = Atomic<UInt32>(0)
  /// Whether a stream of ours has the number, and closes it.
  let isOwned = Atomic<Bool>(false)

  /// The nursery that closes it at the latest, and the neighbours there (under that scope's lock).
  var home: ScopeRef?
  var nextInHome: DescriptorRef?
  var previousInHome: DescriptorRef?

  static var closing: UInt32 { 1 << 31 }
  static var finishing: UInt32 { 1 << 30 }

  /// - Parameter gates: two, which stay as long as the record: for good.
  init(number: Int32, gates: GateRef) {
    self.number = number
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

  /// What a reactor calls with what it has found.
  func note(_ ready: Interest, generation: UInt32) {
    guard generation == self.generation else { return }
    let isBroken = ready.contains(.broken)
    if ready.contains(.ended) || isBroken { pointee.isEnded.store(true, ordering: .relaxed) }
    if isBroken || ready.contains(.readable) { readers.signal() }
    if isBroken || ready.contains(.writable) { writers.signal() }
  }

  /// Sees to it that a reactor watches the descriptor; a state that is there already is reported, so nothing is missed by being late.
  ///
  /// - Throws: `SystemError`; not for a kind of descriptor that is always ready.
  func watch(by reactor: Reactor, generation: UInt32) throws(SystemError) {
    pointee.lock.lock()
    let result = watchLocked(by: reactor, generation: generation)
    pointee.lock.unlock()
    if result < 0, result != -System.notPermitted {
      throw SystemError(code: -result, action: "watch descriptor \(number)")
    }
  }

  private func watchLocked(by reactor: Reactor, generation: UInt32) -> Int32 {
    let isClosing = pointee.uses.load(ordering: .relaxed) & DescriptorRecord.closing != 0
    guard generation == self.generation, !isClosing else { return 0 }
    let last = pointee.reactor.load(ordering: .relaxed)
    let isKnown = last == reactor.id || pointee.otherReactors.contains(reactor.id)
    // A descriptor that is not ours may have been closed behind our back and be another one by now: each wait has it watched anew.
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

  /// A standard stream is never closed, whoever waits for it.
  private func forgetGoneReactors() {
    var living: [UInt32] = []
    Reactor.forEachLiving { id, _ in living.append(id) }
    pointee.otherReactors.removeAll { !living.contains($0) }
  }

  /// Makes everything as good as new for the next who has the number; returns who watched it until now.
  ///
  /// Under the lock.
  func renew() -> (last: UInt32, others: [UInt32]) {
    let watchers = (pointee.reactor.exchange(0, ordering: .relaxed), pointee.otherReactors)
    pointee.otherReactors = []
    pointee.isOwned.store(false, ordering: .relaxed)
    pointee.vainRead.store(0, ordering: .relaxed)
    pointee.vainWrite.store(0, ordering: .relaxed)
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
    pointee.lock.lock()
    guard generation == self.generation, pointee.uses.load(ordering: .relaxed) & DescriptorRecord.closing == 0 else {
      pointee.lock.unlock()
      return false
    }
    // One use for this call, so that nobody else finishes before the waiters have been told.
    pointee.uses.wrappingAdd(DescriptorRecord.closing + 1, ordering: .acquiringAndReleasing)
    pointee.lock.unlock()
    leaveHome()
    readers.signal()
    writers.signal()
    endUse()
    return true
  }

  /// Gives the number back; the last call in flight has returned, but others may still begin and find it closing.
  @inline(never)
  private func finishClosing() {
    let finishing = DescriptorRecord.closing | DescriptorRecord.finishing
    guard
      pointee.uses.compareExchange(
        expected: DescriptorRecord.closing, desired: finishing, ordering: .acquiringAndReleasing
      ).exchanged
    else { return }
    pointee.lock.lock()
    let watchers = renew()
    pointee.uses.wrappingSubtract(finishing, ordering: .releasing)
    pointee.lock.unlock()
    // What is open elsewhere too, in a program that was started or given it, would be reported for ever.
    if watchers.last != 0 {
      Reactor.forEachLiving { id, backend in
        if id == watchers.last || watchers.others.contains(id) { backend.remove(number) }
      }
    }
    System.close(number)
  }
}
