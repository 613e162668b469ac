import Synchronization

/// Memory for fiber records: type-stable, never given back, so a stale reference finds a record and not a fault.
///
/// Each worker keeps a free list of its own; these two functions move batches between it and the shared one.
enum FiberSlab {
  private struct Shared: ~Copyable {
    let lock = SpinLock()
    var free: FiberRef?
  }

  nonisolated(unsafe) private static let shared: UnsafeMutablePointer<Shared> = {
    let shared = UnsafeMutablePointer<Shared>.allocate(capacity: 1)
    shared.initialize(to: Shared())
    return shared
  }()

  static let batch = 64
  /// The room for a result comes after the record itself; both together are cache lines of their own.
  static let resultOffset = (MemoryLayout<FiberRecord>.size + 7) / 8 * 8
  private static let stride = (resultOffset + FiberRecord.inlineResultSize + 63) / 64 * 64

  /// Uninitialised memory for a record, from the calling worker's list if it has one.
  static func allocate(_ worker: WorkerRef) -> FiberRef {
    if worker.pointee.freeRecords == nil { refill(worker) }
    let record = worker.pointee.freeRecords!
    worker.pointee.freeRecords = link(record).pointee
    worker.pointee.freeRecordCount -= 1
    return record
  }

  /// Ends a record's life.
  ///
  /// On a worker's thread it is the next to be reused there, and not before the fiber that now runs has been switched
  /// off: a fiber may free its own record last of all.
  static func free(_ record: FiberRef) {
    record.deinitialize(count: 1)
    let worker = Worker.ofThisThread
    link(record).initialize(to: worker.pointee.freeRecords)
    worker.pointee.freeRecords = record
    worker.pointee.freeRecordCount += 1
    if worker.pointee.freeRecordCount > 4 * batch { spill(worker, keeping: 2 * batch) }
  }

  @inline(never)
  private static func refill(_ worker: WorkerRef) {
    shared.pointee.lock.lock()
    while worker.pointee.freeRecordCount < batch, let record = shared.pointee.free {
      shared.pointee.free = link(record).pointee
      link(record).pointee = worker.pointee.freeRecords
      worker.pointee.freeRecords = record
      worker.pointee.freeRecordCount += 1
    }
    shared.pointee.lock.unlock()
    guard worker.pointee.freeRecords == nil else { return }
    let count = 256
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count * stride, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: count * stride)
    for index in (0..<count).reversed() {
      let record = (memory + index * stride).bindMemory(to: FiberRecord.self, capacity: 1)
      link(record).initialize(to: worker.pointee.freeRecords)
      worker.pointee.freeRecords = record
    }
    worker.pointee.freeRecordCount = count
  }

  /// Moves all but the newest `kept` records of a worker to the shared list.
  @inline(never)
  static func spill(_ worker: WorkerRef, keeping kept: Int) {
    var surplus = worker.pointee.freeRecords
    var last: FiberRef?
    for _ in 0..<kept {
      guard let record = surplus else { return }
      last = record
      surplus = link(record).pointee
    }
    guard let first = surplus else { return }
    if let last { link(last).pointee = nil } else { worker.pointee.freeRecords = nil }
    worker.pointee.freeRecordCount = kept
    var end = first
    while let next = link(end).pointee { end = next }
    shared.pointee.lock.lock()
    link(end).pointee = shared.pointee.free
    shared.pointee.free = first
    shared.pointee.lock.unlock()
  }

  /// Initialises a record in memory from `allocate`.
  ///
  /// Its count of performs goes on where the last record's in that place ended, so a waiter kept from then can never
  /// match.
  static func initialise(_ record: FiberRef, to value: consuming FiberRecord) {
    let claim = (UnsafeMutableRawPointer(record) + 8).load(as: UInt64.self)
    record.initialize(to: value)
    record.pointee.claim.store(Claim.with(claim, Claim.idle), ordering: .relaxed)
  }

  /// The link of a free record lies behind the saved stack pointer and the claim word.
  private static func link(_ record: FiberRef) -> UnsafeMutablePointer<FiberRef?> {
    (UnsafeMutableRawPointer(record) + 16).assumingMemoryBound(to: FiberRef?.self)
  }
}
