import Nursery
import Testing

/// Scopes nest as deeply as a program likes: nothing that walks them needs stack in proportion.
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
  private func aChainOfNurseriesEndsHoweverDeepItIs(_ ending: Ending) throws {
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
}
