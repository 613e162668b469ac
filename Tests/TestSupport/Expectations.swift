import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Expects that `body` throws an error of this type, and returns it.
///
/// A function, not the macro: some compilers confuse closures beside a macro's in nested closures (Swift 6.3.1).
@discardableResult
package func expectThrows<Failure: Error, Result>(
  _ type: Failure.Type, location: SourceLocation = #_sourceLocation, _ body: () throws -> Result
) -> Failure? {
  do {
    let result = try body()
    Issue.record("\(type) was expected, but the result is \(result)", sourceLocation: location)
  } catch let error as Failure {
    return error
  } catch {
    Issue.record("\(type) was expected, but the error is \(error)", sourceLocation: location)
  }
  return nil
}

/// Expects that `body` throws this error.
package func expectThrows<Failure: Error & Equatable, Result>(
  _ expected: Failure, location: SourceLocation = #_sourceLocation, _ body: () throws -> Result
) {
  if let error = expectThrows(Failure.self, location: location, body), error != expected {
    Issue.record("\(expected) was expected, but the error is \(error)", sourceLocation: location)
  }
}

/// Expects two values to be equal; a function for the same reason.
package func expectEqual<Value: Equatable>(
  _ actual: Value?, _ expected: Value?, location: SourceLocation = #_sourceLocation
) {
  #expect(actual == expected, sourceLocation: location)
}

/// Expects that a condition becomes true with another thread's help; yields the processor until then.
///
/// A minute is far more than any machine needs, so that a machine that is slow or busy does not fail a test.
package func expectSoon(
  location: SourceLocation = #_sourceLocation, _ condition: () -> Bool
) {
  let end = ContinuousClock.now + .seconds(60)
  while !condition() {
    if ContinuousClock.now > end {
      Issue.record("what another thread was to do has not happened in a minute", sourceLocation: location)
      return
    }
    sched_yield()
  }
}
