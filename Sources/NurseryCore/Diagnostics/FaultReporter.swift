import CSwitch
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Says in which fiber the process has crashed, and whether its stack has overflowed; the previous handlers follow,
/// Swift's backtracer among them.
///
/// The handler runs on an alternate stack, in the middle of anything, and so takes no lock and no memory: it knows the
/// reservations from a fixed table and the fiber from the thread's worker.
enum FaultReporter {
  private struct Reservation {
    var start: UInt = 0
    var end: UInt = 0
    var slotSize: UInt = 0
  }

  /// A stack with the guard below it.
  private struct Slot: Equatable {
    let base: UInt
    let size: UInt

    var guardEnd: UInt { base + UInt(StackPool.guardSize) }
    var stackSize: Int { Int(size) - StackPool.guardSize }
  }

  private static let capacity = 4096
  nonisolated(unsafe) private static let table: UnsafeMutablePointer<Reservation> = {
    let table = UnsafeMutablePointer<Reservation>.allocate(capacity: capacity)
    table.initialize(repeating: Reservation(), count: capacity)
    return table
  }()
  private static let count = Atomic<Int>(0)
  private static let isInstalled = Atomic<Bool>(false)
  /// What is to be said if the error that has left a run last leaves the program, too; on the heap.
  nonisolated(unsafe) private static let lastTrace = Atomic<UnsafeMutablePointer<CChar>?>(nil)

  /// Called before the first run.
  ///
  /// Nothing is reported where a sanitizer reports faults itself, some of them its own.
  static func install() {
    if isInstalled.load(ordering: .relaxed) { return }
    if isInstalled.exchange(true, ordering: .acquiringAndReleasing) { return }
    DebugLayout.install()
    if System.isSanitized { return }
    _ = table
    rehearse()
    _ = cs_install_fault_reporter(describe)
  }

  /// Keeps the way of an error that leaves a run, for the case that nothing catches it.
  static func note(_ error: any Error) {
    guard let trace = FailureTrace(of: error) else { return }
    var text = "nursery: the error that ended the program, of type \(type(of: error)), came\n"
    for step in trace.steps { text += "  \(step)\n" }
    free(lastTrace.exchange(strdup(text), ordering: .acquiringAndReleasing))
  }

  /// Called under the pool's lock.
  ///
  /// Reservations beyond the table are not recognised; an overflow there is a crash like any other.
  static func register(_ memory: UnsafeMutableRawPointer, size: Int, slotSize: Int) {
    let index = count.wrappingAdd(1, ordering: .relaxed).oldValue
    guard index < capacity else { return }
    let start = UInt(bitPattern: memory)
    table[index] = Reservation(start: start, end: start + UInt(size), slotSize: UInt(slotSize))
  }

  private static func slot(of address: UnsafeRawPointer?) -> Slot? {
    let address = UInt(bitPattern: address)
    for index in 0..<min(count.load(ordering: .acquiring), capacity) {
      let found = table[index]
      guard address >= found.start, address < found.end else { continue }
      return Slot(base: address - (address - found.start) % found.slotSize, size: found.slotSize)
    }
    return nil
  }

  /// Whether two addresses lie on the same stack of ours, or both on none.
  static func isOneStack(_ first: UInt, _ second: UInt) -> Bool {
    slot(of: UnsafeRawPointer(bitPattern: first)) == slot(of: UnsafeRawPointer(bitPattern: second))
  }

  private static let describe: cs_describe_fault = { fault, buffer, capacity in
    var text = FaultText(buffer, capacity: capacity)
    FaultReporter.describe(fault.pointee, Worker.ofThisThreadIfAny?.pointee.current, &text)
    return text.count
  }

  /// What is used first in a handler must not be: a generic type's metadata is allocated on first use.
  private static func rehearse() {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
      var fault = cs_fault()
      fault.is_fatal = true
      fault.stack_pointer = UnsafeRawPointer(buffer.baseAddress!)
      var text = FaultText(buffer.baseAddress!, capacity: buffer.count)
      text.append(ScopePath("nursery", in: nil))
      describe(fault, Worker.ofThisThread.pointee.current, &text)
    }
  }

  private static func describe(_ fault: cs_fault, _ fiber: FiberRef?, _ text: inout FaultText) {
    let running = slot(of: fault.stack_pointer)
    let own = fiber?.pointee.stack.flatMap { slot(of: $0.pointee.base) }
    if let hit = slot(of: fault.address), UInt(bitPattern: fault.address) < hit.guardEnd,
      isOverflow(of: hit, fault, running, own)
    {
      describeOverflow(of: hit, isOwn: hit == own, fiber, &text)
    } else if fault.is_error_in_main, let trace = lastTrace.exchange(nil, ordering: .acquiringAndReleasing) {
      for index in 0..<strlen(trace) { text.append(UInt8(bitPattern: trace[index])) }
    } else if fault.is_fatal, let fiber, fiber.runsOnScheduler {
      text.append("nursery: crash (")
      text.append(name(of: fault.signal))
      text.append(running != nil && running != own ? ") in a coroutine that was resumed by " : ") in ")
      text.append(fiber)
      text.append("\n")
      nameThread(after: fiber)
    }
  }

  /// Whether a fault in a guard comes from the stack above it, and not from code that writes past its own stack's upper
  /// end, or anywhere.
  ///
  /// The frame that does not fit may reach through the guard, so the stack pointer may be in the slot below.
  private static func isOverflow(of hit: Slot, _ fault: cs_fault, _ running: Slot?, _ own: Slot?) -> Bool {
    if hit == own || hit == running { return true }
    let distance = UInt(bitPattern: fault.address) &- UInt(bitPattern: fault.stack_pointer)
    return distance < hit.size && running != own
  }

  private static func describeOverflow(of hit: Slot, isOwn: Bool, _ fiber: FiberRef?, _ text: inout FaultText) {
    text.append("nursery: stack overflow in ")
    if !isOwn { text.append("a coroutine") }
    if let fiber, isOwn || fiber.runsOnScheduler {
      if !isOwn { text.append(" that was resumed by ") }
      text.append(fiber)
      nameThread(after: fiber)
    }
    text.append(": its ")
    text.append(hit.stackSize)
    text.append(" bytes are used up. Recurse less deeply, or give ")
    text.append(
      isOwn ? "fibers larger stacks: runFibers(Configuration(stackSize: " : "it a larger stack: Coroutine(stackSize: ")
    text.append(hit.stackSize * 4)
    text.append(isOwn ? ")) { ... }\n" : ") { ... }\n")
  }

  /// The thread's name is what Swift's report shows of it.
  private static func nameThread(after fiber: FiberRef) {
    guard let name = fiber.pointee.identity.name else { return }
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16) { buffer in
      var text = FaultText(buffer.baseAddress!, capacity: 15)
      text.append(name)
      buffer[text.count] = 0
      cs_thread_rename(buffer.baseAddress!)
    }
  }

  private static func name(of signal: Int32) -> StaticString {
    switch signal {
    case SIGSEGV: "SIGSEGV"
    case SIGBUS: "SIGBUS"
    case SIGILL: "SIGILL"
    case SIGTRAP: "SIGTRAP"
    case SIGFPE: "SIGFPE"
    case SIGABRT: "SIGABRT"
    default: "signal"
    }
  }
}
