import Nursery
import Testing

/// What a client does with an abstraction that it shares with others: a row of the table for kill safety.
struct SharedUse: Sendable, CustomTestStringConvertible {
  /// An instance of the abstraction.
  struct Parts {
    /// One client's use; it ends without an error, unless the client is cancelled, whatever the others do.
    let use: () throws -> Void
    /// Throws if something is held or missing while no client uses it.
    let check: () throws -> Void
  }

  let testDescription: String
  /// Makes an instance, and the servers that it needs in the bench's nursery.
  let make: @Sendable (Bench) throws -> Parts

  init(
    _ name: String,
    _ make: @escaping @Sendable (Bench) throws -> (use: () throws -> Void, check: () throws -> Void)
  ) {
    testDescription = name
    self.make = {
      let (use, check) = try make($0)
      return Parts(use: use, check: check)
    }
  }

  static let all = locks + channels + resilience + flows
}

/// Lets other clients come in between.
func linger() throws { try sleep(for: .seconds(1)) }
