import Nursery
import Testing

/// Records which errors of a script were thrown, and which were seen.
final class Sightings: Sendable {
  private let numbers = Guarded<(thrown: [Int], seen: [Int])>(([], []))

  func reset() { numbers.withLock { $0 = ([], []) } }

  /// An error that must be seen.
  func failure(_ number: Int) -> Oops {
    numbers.withLock { $0.thrown.append(number) }
    return Oops(number)
  }

  func see(_ error: any Error) {
    switch error {
    case let group as ErrorGroup: for error in group.errors { see(error) }
    case let error as Oops: numbers.withLock { $0.seen.append(error.number) }
    default: break
    }
  }

  func seeing(_ body: () throws -> Void) {
    do { try body() } catch { see(error) }
  }

  /// Waits, and fails when it is cancelled.
  func failWhenCancelled(_ number: Int) throws {
    do { try Op<Void>.never.perform() } catch { throw failure(number) }
  }

  /// A coroutine that fails when it is dropped.
  func suspended(_ number: Int) throws -> Coroutine<Void, Int, Void> {
    let coroutine = try Coroutine<Void, Int, Void> { yielder, _ in
      do { try yielder.yield(1) } catch { throw self.failure(number) }
    }
    _ = try coroutine.resume()
    return coroutine
  }

  func check() throws {
    let (thrown, seen) = numbers.withLock { ($0.thrown.sorted(), $0.seen.sorted()) }
    try hold(thrown == seen, "thrown \(thrown), seen \(seen)")
  }
}

/// Runs a script under every schedule; each error that it makes must be thrown by the script, or reach the handler,
/// once.
func eachErrorIsSeenOnce(
  location: SourceLocation = #_sourceLocation, _ script: (Sightings) throws -> Void
) throws {
  let sightings = Sightings()
  try underEverySchedule(onSuppressedError: { sightings.see($0) }, location: location) {
    sightings.reset()
    sightings.seeing { try script(sightings) }
    try sightings.check()
  }
}
