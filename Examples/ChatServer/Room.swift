import Nursery

/// What all clients share: the lines that are said, and the names of those present.
///
/// `lines` decides the order of what is said, which is the same for all clients. Every subscription may lag, so saying
/// something never waits for a client.
final class Room: Sendable {
  private struct State: Sendable {
    var names: [String: Nickname] = [:]
    var guestCount = 0
  }

  private let lines = Multicast<String>()
  private let state = FiberMutex(State())
  private let clientLimit: Int
  private let backlog: Int

  init(_ options: ChatOptions) {
    clientLimit = options.clientLimit
    backlog = options.backlog
  }

  // MARK: Coming and going

  /// Gives a new client a name.
  ///
  /// - Throws: `RoomFullError`; `CancellationError`.
  func enter() throws -> Nickname {
    try state.withLock { state in
      guard state.names.count < clientLimit else { throw RoomFullError(limit: clientLimit) }
      state.guestCount += 1
      let name = Nickname(guest: state.guestCount)
      state.names[name.key] = name
      return name
    }
  }

  /// All lines from now on.
  func subscribe() -> Multicast<String>.Subscription { lines.subscribe(.lagging(backlog)) }

  /// Announces that a client has left, and frees its name after that: so no other client has the name in an earlier
  /// line.
  func leave(_ name: Nickname) {
    // Shielded, because the client also leaves if its scope is cancelled.
    try? withShield {
      // When the room is closed, no client is left to be told.
      if !name.isGuest { try? lines.send("* \(name) has left") }
      try state.withLock { $0.names[name.key] = nil }
    }
  }

  /// Ends all subscriptions, after the lines that have been said.
  func close() { lines.close() }

  // MARK: In the room

  /// The names of all present, in the order of the alphabet.
  func names() throws -> [String] {
    try state.withLock { $0.names.values.map(\.description) }.sorted()
  }

  /// Says something to all clients, the speaker included.
  ///
  /// - Throws: `ChannelClosedError` if the room is closed; `CancellationError`.
  func say(_ text: String, by name: Nickname) throws { try lines.send("<\(name)> \(text)") }

  /// Takes the new name, announces it, and frees the old one, in this order.
  ///
  /// - Throws: `NicknameError` if another client has the new name; as `say`.
  func rename(_ old: Nickname, to new: Nickname) throws {
    try state.withLock { state in
      if let owner = state.names[new.key], owner.key != old.key { throw NicknameError.taken(owner) }
      state.names[new.key] = new
    }
    // Shielded, because a client that is dropped in between would keep both names.
    try withShield {
      try lines.send("* \(old) is now \(new)")
      if old.key != new.key { try state.withLock { $0.names[old.key] = nil } }
    }
  }
}

/// The room has as many clients as it may have.
struct RoomFullError: Error, CustomStringConvertible {
  let limit: Int

  var description: String { "the room is full with \(limit) clients; try again later" }
}
