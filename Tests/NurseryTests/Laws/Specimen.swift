import Nursery

/// A property of an operation.
enum Trait {
  /// It waits unless it has been made ready.
  case pends
  /// It can be ready when the perform begins.
  case readiesBefore
  /// It can become ready while a performer waits.
  case readiesWhileParked
  /// Making it ready takes time: a partner must wait, or a fiber must run.
  case readiesSlowly
  /// It becomes ready when its time comes.
  case isTimed
  /// No blocking call does the same.
  case lacksVerb
  /// Code outside the scheduler makes it ready, so virtual time would not wait for it.
  case isExternal
  /// A signal makes the performer retry: readiness is not yet a commit, so a cancellation may still come first.
  case isTried
  /// A user's primitive (`BaseOperation`).
  case isPrimitive
  /// A cancelled performer ends it for its partner, too.
  case breaks
  /// A partner answers only a performer that waits, so a timeout of zero always comes first.
  case needsTime
  /// Two performers of it are each other's partners.
  case pairsUp
}

extension Set<Trait> {
  /// The properties of most operations.
  static var usual: Set { [.pends, .readiesBefore, .readiesWhileParked] }
}

/// One kind of operation.
///
/// To check an operation by every law, describe it by a specimen and add that to `Specimens.all`.
struct Specimen<Value: Sendable>: AnySpecimen {
  let name: String
  let traits: Set<Trait>
  /// How a perform of it ends.
  let outcome: Outcome
  let make: @Sendable (Bench) throws -> Fixture<Value>

  init(
    _ name: String, _ traits: Set<Trait> = .usual, outcome: Outcome = .value,
    make: @escaping @Sendable (Bench) throws -> Fixture<Value>
  ) {
    self.name = name
    self.traits = traits
    self.outcome = outcome
    self.make = make
  }
}

/// A specimen of any type of value: a row of the table.
protocol AnySpecimen: Sendable {
  associatedtype Value: Sendable
  var name: String { get }
  var traits: Set<Trait> { get }
  var outcome: Outcome { get }
  var make: @Sendable (Bench) throws -> Fixture<Value> { get }
}

/// All operations.
enum Specimens {
  static let all: [any AnySpecimen] =
    constants + channels + waits + timers + scopes + descriptors + streams + synchronization + messages
    + resilience
}
