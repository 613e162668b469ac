import Nursery
import TestSupport
import Testing

struct ResultTests {
  private final class Curious: Sendable {
    let paths: Log<String>

    init(_ paths: Log<String>) { self.paths = paths }

    deinit { paths.append(Fiber.isCancelled ? "cancelled" : Fiber.current?.nurseryPath ?? "no fiber") }
  }

  /// The child and the fiber that waits for it, on two workers, drop the result at the same time; the memory of the
  /// child's scope is used anew when the nursery has ended.
  @Test(arguments: [2, 4]) func aResultIsDestroyedBeforeItsNurseryEnds(workers: Int) throws {
    let rounds = 200
    let paths = Log<String>()
    try runFibers(Configuration(parallelism: workers)) {
      for round in 0..<rounds {
        try withNursery("round \(round)", placement: .spread) { nursery in
          _ = try nursery.goAsync { Curious(paths) }.wait()
        }
        #expect(paths.entries.count == round + 1)
        #expect(["", "round \(round)"].contains(paths.entries.last))
        if paths.entries.count != round + 1 { break }
      }
    }
  }
}
