import Nursery
import Testing

/// Runs the script of a rule under every schedule there is; it throws where the rule does not hold.
///
/// Scripts are small enough to be exhausted: two or three fibers and a few calls each.
func underEverySchedule(
  limit: Int = 200_000, onSuppressedError: @escaping @Sendable (any Error) -> Void = { _ in },
  location: SourceLocation = #_sourceLocation, _ script: () throws -> Void
) throws {
  let report = try exploreSchedules(.exhaustive(limit: limit), onSuppressedError: onSuppressedError, script)
  #expect(report.isExhausted, "\(report.schedules) schedules are not all", sourceLocation: location)
}

/// Runs `script` under the first schedules in depth-first order, and under as many random ones: for a script in which
/// the kernel takes part, so that no exploration is complete.
func underManySchedules(limit: Int = 300, _ script: () throws -> Void) throws {
  for strategy in [
    ExplorationStrategy.exhaustive(limit: limit, preemptions: 2), .random(count: limit, seed: 1),
    .pct(count: limit, seed: 1),
  ] {
    try exploreSchedules(strategy, script)
  }
}

/// What a script says when its rule is broken.
struct Broken: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Throws `Broken` unless the condition holds; plain expectations would count failures by the thousand.
func hold(_ condition: Bool, _ what: @autoclosure () -> String, line: Int = #line) throws {
  if !condition { throw Broken("line \(line): \(what())") }
}

/// Throws `Broken` unless `body` throws an error of this type.
func holdThrows<Failure: Error, Result>(
  _ type: Failure.Type, line: Int = #line, _ body: () throws -> Result
) throws {
  do {
    let result = try body()
    throw Broken("line \(line): \(result) instead of \(type)")
  } catch is Failure {}
}
