import CSwitch
import Synchronization

/// Where the fields of records lie, for debuggers: Examples/Debugger/nursery.py reads the table, see debug.c.
///
/// Swift does not say where a field of such a type lies, so a record is filled with values that occur once, and searched
/// for them. An offset of -1 says that one was not found.
package enum DebugLayout {
  package typealias Place = (name: StaticString, offset: Int)

  /// Fills the table; called once.
  static func install() {
    for place in places {
      place.name.utf8Start.withMemoryRebound(to: CChar.self, capacity: 1) {
        cs_debug_add_place($0, UInt64(bitPattern: Int64(place.offset)))
      }
    }
  }

  /// The table.
  package static var places: [Place] { fiberPlaces + scopePlaces + offerPlaces + workerPlaces }

  private static let site = SourceSite(file: "NurseryCore/DebugLayout.swift", line: 0x5A5A)
  /// Short, so that its bits are the string.
  private static let name = "a debug layout"

  /// An address that is not one.
  private static func mark<Pointee: ~Copyable>(_ number: UInt) -> UnsafeMutablePointer<Pointee> {
    UnsafeMutablePointer(bitPattern: 0x5A5A_0000_5A5A_0000 + number * 64)!
  }

  private static var fiberPlaces: [Place] {
    let record = FiberSlab.allocateSingle()
    record.initialize(to: FiberRecord(kind: .fiber, worker: mark(1), home: mark(2)))
    let bytes = Bytes(record)
    record.pointee.renew(
      .fiber, id: 0x5A5A_5A5A_5A5A, name: name, site: site, worker: mark(1), home: mark(2), locals: nil)
    record.pointee.currentScope.store(mark(3), ordering: .relaxed)
    record.pointee.claim.store(0x5A5B_5A5B_5A5B_5A5B, ordering: .relaxed)
    record.pointee.wait.offerCount.store(0x5A5C_5A5C, ordering: .relaxed)
    record.pointee.wait.since.store(0x5A5D_5A5D_5A5D_5A5D, ordering: .relaxed)
    record.pointee.wait.offers = mark(4)
    record.pointee.membership.next = mark(5)
    record.pointee.membership.permit = .awaited
    record.pointee.stack = mark(6)
    var places: [Place] = [
      ("fiber.savedStack", 0),
      ("fiber.claim", bytes.place(of: 0x5A5B_5A5B_5A5B_5A5B as UInt64)),
      ("fiber.worker", bytes.place(of: mark(1) as WorkerRef)),
      ("fiber.home", bytes.place(of: mark(2) as ScopeRef)),
      ("fiber.scope", bytes.place(of: mark(3) as ScopeRef)),
      ("fiber.offerCount", bytes.place(of: 0x5A5C_5A5C as UInt32)),
      ("fiber.offers", bytes.place(of: mark(4) as OfferRef)),
      ("fiber.since", bytes.place(of: 0x5A5D_5A5D_5A5D_5A5D as UInt64)),
      ("fiber.next", bytes.place(of: mark(5) as FiberRef)),
      ("fiber.stack", bytes.place(of: mark(6) as StackRef)),
      ("fiber.id", bytes.place(of: 0x5A5A_5A5A_5A5A as UInt64)),
      ("fiber.name", bytes.place(of: unsafeBitCast(name, to: (UInt, UInt).self).0)),
      ("fiber.site", bytes.place(of: site.start!)),
    ]
    let before = bytes.copy
    record.pointee.membership.permit = .unneeded
    places.append(("fiber.permit", bytes.placeOfChange(since: before)))
    let changed = bytes.copy
    record.pointee.renew(.root, id: 0x5A5A_5A5A_5A5A, site: site, worker: mark(1), home: mark(2), locals: nil)
    record.pointee.currentScope.store(mark(3), ordering: .relaxed)
    record.pointee.stack = mark(6)
    places.append(("fiber.kind", bytes.placeOfChange(since: changed)))
    record.pointee.clear()
    record.deinitialize(count: 1)
    UnsafeMutableRawPointer(record).deallocate()
    return places
  }

  private static var scopePlaces: [Place] {
    let scope: ScopeRef = .new(
      ScopeRecord(
        parent: mark(1), host: mark(2), opener: mark(3), worker: nil, scheduler: .fromOpaque(mark(7) as FiberRef),
        nursery: mark(4), site,
        isShielded: false))
    scope.pointee.links.firstInner = mark(5)
    scope.pointee.links.next = mark(6)
    scope.pointee.alarm.deadline = 0x5A5A_5A5A_5A5A
    scope.pointee.expiry.store(0x5A5B_5A5B_5A5B, ordering: .relaxed)
    let bytes = Bytes(scope)
    let places: [Place] = [
      ("scope.parent", bytes.place(of: mark(1) as ScopeRef)),
      ("scope.host", bytes.place(of: mark(2) as FiberRef)),
      ("scope.opener", bytes.place(of: mark(3) as FiberRef)),
      ("scope.nursery", bytes.place(of: mark(4) as NurseryRef)),
      ("scope.scheduler", bytes.place(of: mark(7) as FiberRef)),
      ("scope.inner", bytes.place(of: mark(5) as ScopeRef)),
      ("scope.next", bytes.place(of: mark(6) as ScopeRef)),
      ("scope.deadline", bytes.place(of: 0x5A5A_5A5A_5A5A as Int64)),
      ("scope.expiry", bytes.place(of: 0x5A5B_5A5B_5A5B as Int64)),
      ("scope.site", bytes.place(of: site.start!)),
    ]
    scope.destroy()
    return places + nurseryPlaces
  }

  private static var nurseryPlaces: [Place] {
    let scope: ScopeRef = .new(
      ScopeRecord(
        parent: nil, host: nil, opener: nil, worker: nil, scheduler: nil, nursery: nil, site, isShielded: false))
    let nursery = NurseryRef.make(parent: scope, host: nil, opener: nil, worker: nil, scheduler: nil, name: name)
    let child = FiberSlab.allocateSingle()
    child.initialize(to: FiberRecord(kind: .fiber, worker: mark(1), home: scope))
    _ = nursery.add(child)
    nursery.pointee.joiner = mark(2)
    let bytes = Bytes(nursery)
    let places: [Place] = [
      ("nursery.firstChild", bytes.place(of: child)),
      ("nursery.joiner", bytes.place(of: mark(2) as FiberRef)),
      ("nursery.path", bytes.place(of: Unmanaged.passUnretained(nursery.pointee.path!).toOpaque())),
    ]
    nursery.free()
    child.deinitialize(count: 1)
    UnsafeMutableRawPointer(child).deallocate()
    scope.destroy()
    return places
  }

  private static var offerPlaces: [Place] {
    let layout = MemoryLayout<Offer>.self
    return [
      ("offer.size", layout.stride), ("offer.index", layout.offset(of: \.index)!),
      ("offer.isTimeout", layout.offset(of: \.isTimeout)!), ("offer.slot", layout.offset(of: \.slot)!),
      ("offer.source", layout.offset(of: \.source)!),
    ]
  }

  private static var workerPlaces: [Place] {
    let worker = Worker.ofThisThread
    let running = withUnsafePointer(to: worker.pointee.running) { UnsafeRawPointer($0) }
    return [("worker.running", running - UnsafeRawPointer(worker))]
  }

  /// The bytes of a record.
  private struct Bytes {
    private let bytes: UnsafeRawBufferPointer

    init<Record: ~Copyable>(_ record: UnsafeMutablePointer<Record>) {
      bytes = UnsafeRawBufferPointer(start: record, count: MemoryLayout<Record>.size)
    }

    var copy: [UInt8] { Array(bytes) }

    func place<Value: Equatable & BitwiseCopyable>(of value: Value) -> Int {
      let size = MemoryLayout<Value>.size
      let found = stride(from: 0, through: bytes.count - size, by: size).filter {
        bytes.loadUnaligned(fromByteOffset: $0, as: Value.self) == value
      }
      return found.count == 1 ? found[0] : -1
    }

    func placeOfChange(since before: [UInt8]) -> Int {
      let found = bytes.indices.filter { bytes[$0] != before[$0] }
      return found.count == 1 ? found[0] : -1
    }
  }
}
