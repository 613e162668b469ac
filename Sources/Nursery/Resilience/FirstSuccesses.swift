/// Runs the contenders at the same time, each in a fiber, and returns the values of the first `count` that succeed.
///
///     let votes = try firstSuccesses(2, of: replicas.map { replica in { try replica.read(key) } })
///
/// The others are cancelled then, and have ended when this returns. Contenders may fail as long as enough are left.
///
/// A cancellation point.
///
/// - Parameter count: how many, from 0 to the number of contenders; another number is a mistake that traps.
/// - Returns: the values, in the order in which the contenders succeeded.
/// - Throws: an `ErrorGroup` of the failures when the calls that have not failed are too few; `CancellationError` if
///   the current scope is cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
public func firstSuccesses<Value: Sendable>(
  _ count: Int, of contenders: [@Sendable () throws -> Value], file: StaticString = #fileID, line: UInt = #line
) throws -> [Value] {
  require(
    count >= 0 && count <= contenders.count,
    "\(file):\(line): firstSuccesses(\(count), of: \(contenders.count) contenders) can never be reached")
  return try withNursery("firstSuccesses", file: file, line: line) { nursery in
    let fibers = contenders.map { contender in
      nursery.goAsync(file: file, line: line) { Result { try contender() } }
    }
    let results = inCompletionOrder(fibers)
    var values: [Value] = []
    var failures: [any Error] = []
    while values.count < count {
      switch try results.receive().wait() {
      case .success(let value): values.append(value)
      case .failure(let error): failures.append(error)
      }
      if contenders.count - failures.count < count { throw ErrorGroup(errors: failures) }
    }
    nursery.cancel("\(count) have succeeded")
    return values
  }
}

/// Returns the values of the first `count` contenders that succeed; see the form that takes an array.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
public func firstSuccesses<Value: Sendable>(
  _ count: Int, of contenders: @Sendable () throws -> Value..., file: StaticString = #fileID, line: UInt = #line
) throws -> [Value] {
  try firstSuccesses(count, of: contenders, file: file, line: line)
}
