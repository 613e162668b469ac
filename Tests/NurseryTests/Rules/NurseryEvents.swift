import Nursery
import Testing

/// Events in an open nursery.
struct NurseryEvents: CustomTestStringConvertible {
  enum Body: CaseIterable { case returns, waits, fails }

  var policy: FailurePolicy
  var body: Body
  var isCancelledInside: Bool
  var isCancelledOutside: Bool
  var hasFailingChild: Bool

  static let all: [NurseryEvents] = {
    var all: [NurseryEvents] = []
    for policy in [FailurePolicy.failFast, .collect, .supervise] {
      for body in Body.allCases {
        for bits in 0..<8 where body != .waits || bits & 3 != 0 || bits & 4 != 0 && policy != .supervise {
          all.append(
            NurseryEvents(
              policy: policy, body: body, isCancelledInside: bits & 1 != 0, isCancelledOutside: bits & 2 != 0,
              hasFailingChild: bits & 4 != 0))
        }
      }
    }
    return all
  }()

  var testDescription: String {
    let events = [
      isCancelledInside ? "cancelled inside" : nil, isCancelledOutside ? "cancelled outside" : nil,
      hasFailingChild ? "a child fails" : nil,
    ]
    return "\(policy), the body \(body), \(events.compactMap(\.self).joined(separator: ", "))"
  }

  /// Checks how a nursery with these events ends, and that each error is seen once.
  func check<Due: Sendable>(_ suppressed: Log<any Error>, due: Due) throws {
    let record = Guarded(Record())
    let suppressedBefore = suppressed.entries.count
    var outcome: Result<Due, any Error>?
    var wasCancelledOutside = false
    try withNursery { outside in
      try withCancelScope { scope in
        if isCancelledOutside { outside.goAsync { scope.cancel() } }
        outcome = Result { try open(record, due: due) }
        wasCancelledOutside = scope.isCancelled
      }
    }
    var seen = suppressed.entries.dropFirst(suppressedBefore).map { $0 as? Oops }
    let what = record.withLock { $0 }
    let fault = "\(outcome as Any) of \(what), cancelled outside: \(wasCancelledOutside)"
    switch outcome {
    case .success:
      try hold(what.failures.isEmpty, fault)
      try hold(what.hasBodyReturned || Due.self == Void.self && what.ownReason != nil && !wasCancelledOutside, fault)
    case .failure(let error as Oops):
      try hold(policy == .failFast && error == what.failures.first, fault)
      seen.append(error)
    case .failure(let group as ErrorGroup):
      try hold(policy != .failFast, fault)
      seen += group.errors.map { $0 as? Oops }
    case .failure(is CancellationError):
      try hold(what.failures.isEmpty && wasCancelledOutside, fault)
      try hold(!what.hasBodyReturned || what.wasAChildCutShort, fault)
    case .failure(let error as NurseryCancelledError):
      try hold(what.failures.isEmpty && !wasCancelledOutside && !what.hasBodyReturned, fault)
      try hold(Due.self != Void.self && error.reason == .requested("inside"), fault)
      try hold(error.nursery == "inner" && error.site.line > 0, fault)
    case .failure, nil: throw Broken(fault)
    }
    try hold(Set(seen) == Set(what.failures) && seen.count == what.failures.count, "seen \(seen), \(fault)")
  }

  private func open<Due: Sendable>(_ record: Guarded<Record>, due: Due) throws -> Due {
    try withNursery("inner", onFailure: policy) { nursery in
      defer { record.withLock { $0.ownReason = nursery.reason } }
      nursery.goAsync {
        do { try sleep(for: .seconds(1)) } catch {
          record.withLock { $0.wasAChildCutShort = true }
          throw error
        }
      }
      if isCancelledInside { nursery.goAsync { nursery.cancel("inside") } }
      if hasFailingChild {
        nursery.goAsync {
          record.withLock { $0.failures.append(Oops(1)) }
          throw Oops(1)
        }
      }
      switch body {
      case .returns: Fiber.yield()
      case .waits: try Op<Void>.never.perform()
      case .fails:
        record.withLock { $0.failures.append(Oops(2)) }
        throw Oops(2)
      }
      record.withLock { $0.hasBodyReturned = true }
      return due
    }
  }
}

/// The events that have happened when the nursery has ended.
private struct Record: Sendable {
  var failures: [Oops] = []
  var hasBodyReturned = false
  var wasAChildCutShort = false
  var ownReason: CancellationReason?
}

/// Cancels a nursery from inside after `inside` seconds, within a timeout of `outside` seconds.
func endNursery<Due>(after inside: Int, in outside: Int, due: Due) throws -> Due {
  try withTimeout(.seconds(outside)) {
    try withNursery { nursery in
      nursery.goAsync {
        try sleep(for: .seconds(inside))
        nursery.cancel()
      }
      try Op<Void>.never.perform()
      return due
    }
  }
}
