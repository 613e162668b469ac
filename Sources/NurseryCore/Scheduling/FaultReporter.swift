import CSwitch
import Synchronization

/// Says which fiber's stack has overflowed, instead of a silent SIGSEGV.
///
/// The handler runs on an alternate stack and takes no locks of ours: it knows the reservations from a fixed table and the fiber
/// from the thread's worker. Making the text may allocate; should that fail in a process that is dying anyway, the second fault
/// ends it with the signal's default action.
enum FaultReporter {
  private struct Reservation {
    var start: UInt = 0
    var end: UInt = 0
    var stackSize = 0
    var guardSize = 0
  }

  private static let capacity = 4096
  nonisolated(unsafe) private static let table: UnsafeMutablePointer<Reservation> = {
    let table = UnsafeMutablePointer<Reservation>.allocate(capacity: capacity)
    table.initialize(repeating: Reservation(), count: capacity)
    return table
  }()
  private static let count = Atomic<Int>(0)
  private static let isInstalled = Atomic<Bool>(false)

  /// Not where a sanitizer reports faults itself, some of them its own.
  static func install() {
    if System.isSanitized { return }
    if isInstalled.load(ordering: .relaxed) { return }
    if isInstalled.exchange(true, ordering: .acquiringAndReleasing) { return }
    _ = table
    _ = cs_install_fault_reporter(describe)
  }

  /// Called under the pool's lock.
  ///
  /// Reservations beyond the table are not recognised; their faults are plain ones.
  static func register(_ memory: UnsafeMutableRawPointer, size: Int, stackSize: Int, guardSize: Int) {
    let index = count.wrappingAdd(1, ordering: .relaxed).oldValue
    guard index < capacity else { return }
    let start = UInt(bitPattern: memory)
    table[index] = Reservation(start: start, end: start + UInt(size), stackSize: stackSize, guardSize: guardSize)
  }

  private static let describe: cs_describe_fault = { address, buffer, capacity in
    let address = UInt(bitPattern: address)
    for index in 0..<min(count.load(ordering: .acquiring), FaultReporter.capacity) {
      let found = table[index]
      guard address >= found.start, address < found.end else { continue }
      let offset = Int(address - found.start) % found.stackSize
      guard offset < found.guardSize else { return 0 }
      return FaultReporter.message(stackSize: found.stackSize, buffer, capacity)
    }
    return 0
  }

  private static func message(stackSize: Int, _ buffer: UnsafeMutablePointer<CChar>, _ capacity: Int) -> Int {
    let fiber = Worker.ofThisThreadIfAny?.pointee.current
    let who = fiber.flatMap { $0.runsOnScheduler ? $0.label : nil } ?? "a coroutine"
    let path = fiber?.scope.path ?? ""
    let place = path.isEmpty ? "" : " in nursery \"\(path)\""
    var text =
      "nursery: stack overflow in \(who)\(place): its \(stackSize) bytes are used up. Recurse less deeply, or give fibers larger stacks: runFibers(Configuration(stackSize: \(stackSize * 4))) { ... }\n"
    return text.withUTF8 { bytes in
      let length = min(bytes.count, capacity)
      UnsafeMutableRawPointer(buffer).copyMemory(from: bytes.baseAddress!, byteCount: length)
      return length
    }
  }
}
