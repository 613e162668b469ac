import TestSupport
import Testing

@testable import NurseryCore

/// The table that Examples/Debugger/nursery.py reads.
struct DebugLayoutTests {
  private let offsets = Dictionary(DebugLayout.places.map { ("\($0.name)", $0.offset) }) { _, last in last }

  private func load<Value>(_ name: String, of record: UnsafeMutableRawPointer, as type: Value.Type) throws -> Value {
    record.load(fromByteOffset: try #require(offsets[name]), as: type)
  }

  @Test func everyFieldIsFound() {
    for place in DebugLayout.places { #expect(place.offset >= 0, "\(place.name)") }
    #expect(offsets.count == DebugLayout.places.count)
    #expect(offsets.count <= 64)
  }

  @Test func theOffsetsAreThoseOfLiveRecords() throws {
    try Scheduler.run(.virtual()) {
      let channel = Channel<Int>()
      let site = SourceSite(file: "Here", line: 77)
      let home = Performer.current().home.pointee.nursery!
      let reader = home.spawn("reader", site) { try channel.receive() }.record
      letOthersRun()
      let fiber = UnsafeMutableRawPointer(reader)
      expectEqual(try load("fiber.id", of: fiber, as: UInt64.self), reader.id)
      expectEqual(try load("fiber.kind", of: fiber, as: UInt8.self), 0)
      expectEqual(try load("fiber.name", of: fiber, as: String?.self), "reader")
      expectEqual(try load("fiber.site", of: fiber, as: SourceSite.self), site)
      expectEqual(try load("fiber.home", of: fiber, as: ScopeRef.self), reader.home)
      expectEqual(try load("fiber.scope", of: fiber, as: ScopeRef.self), reader.scope)
      expectEqual(try load("fiber.offerCount", of: fiber, as: Int32.self), 1)
      expectEqual(try load("fiber.claim", of: fiber, as: UInt64.self) & 3, Claim.waiting)
      expectEqual(try load("fiber.permit", of: fiber, as: FiberRecord.Permit.self), .unneeded)
      let offer = UnsafeMutableRawPointer(try load("fiber.offers", of: fiber, as: OfferRef.self))
      expectEqual(try load("offer.source", of: offer, as: UnsafeMutableRawPointer.self), address(of: channel))
      let scope = UnsafeMutableRawPointer(reader.home)
      expectEqual(try load("scope.nursery", of: scope, as: NurseryRef.self), home)
      expectEqual(try load("scope.host", of: scope, as: FiberRef?.self), Performer.current())
      expectEqual(try load("scope.expiry", of: scope, as: Int64.self), .max)
      expectEqual(try load("nursery.firstChild", of: scope, as: FiberRef?.self), reader)
      expectEqual(try load("nursery.joiner", of: scope, as: FiberRef?.self), nil)
      let worker = UnsafeMutableRawPointer(Worker.ofThisThread)
      expectEqual(try load("worker.running", of: worker, as: FiberRef.self), Performer.current())
      try channel.send(1)
    }
  }

  private func address(of object: AnyObject) -> UnsafeMutableRawPointer { Unmanaged.passUnretained(object).toOpaque() }
}
