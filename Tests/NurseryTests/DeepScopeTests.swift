import Nursery
import Testing

/// Scopes may nest to any depth: no walk over them needs stack in proportion.
struct DeepScopeTests {
  /// Each level on a stack of its own.
  private static func chain(_ depth: Int, _ reached: Condition) throws {
    if depth == 0 {
      reached.signal()
      try Op<Void>.never.perform()
    }
    try withNursery { $0.goAsync { try chain(depth - 1, reached) } }
  }

  private enum Ending: CaseIterable {
    case cancelled, overdue, drained, deadlocked, cancelledAlone
  }

  @Test(arguments: Ending.allCases)
  private func aChainOfNurseriesOfAnyDepthEnds(_ ending: Ending) throws {
    let depth = isSanitized ? 300 : 3_000
    let reached = Condition()
    var configuration = Configuration.virtual()
    configuration.stackSize = 128 << 10
    do {
      try runFibers(configuration) {
        try withNursery { nursery in
          let top = nursery.goAsync { try withTimeoutOrNil(.seconds(10)) { try Self.chain(depth, reached) } }
          if ending != .deadlocked { nursery.goAsync("ticker", daemon: true) { try sleep(for: .seconds(1000)) } }
          try reached.wait()
          #expect(Scheduler.current!.statistics.offersOutstanding > 0)
          switch ending {
          case .cancelled: nursery.cancel()
          case .cancelledAlone: top.cancel()
          case .drained: nursery.drain(grace: .seconds(1))
          case .overdue, .deadlocked: break
          }
        }
      }
    } catch is CancellationError {
    }
  }

  private static let generation = FiberLocal(0)

  /// Bindings, names of nurseries and errors that hold errors nest as deeply as scopes.
  @Test func aKeptChainOfNurseriesOfAnyDepthIsReleased() throws {
    let depth = isSanitized ? 300 : 3_000
    var configuration = Configuration.virtual()
    configuration.stackSize = 128 << 10
    let kept = Cell<Nursery?>(nil)
    let text = try runFibers(configuration) {
      func descend(_ level: Int) throws {
        if level == 0 { throw Oops() }
        try withNursery("n", onFailure: .collect) { nursery in
          kept.value = nursery
          nursery.goAsync { try Self.generation.withValue(level) { try descend(level - 1) } }
        }
      }
      return try goAndWait { () -> String in
        do {
          try withNursery { $0.goAsync { try descend(depth) } }
          return ""
        } catch {
          return "\(error)"
        }
      }
    }
    #expect(text.hasPrefix("1 failure: (1 failure: (1 failure: "))
    #expect(text.hasSuffix(")))"))
    try runFibers(configuration) { try goAndWait { kept.value = nil } }
  }
}
