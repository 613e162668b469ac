/// What a client asks for, as the line says it.
enum Command {
  /// `get`, `gets`, `gat`, `gats`.
  case retrieve([Key], Retrieval)
  /// The same, for a long line: more keys follow.
  case beginToRetrieve([Key], Retrieval)
  /// Everything that brings a value, which follows the line.
  case store(StoreRequest)
  /// `incr`, `decr`.
  case change(Key, by: UInt64, isIncrement: Bool, isQuiet: Bool)
  case touch(Key, expiry: Expiry, isQuiet: Bool)
  case delete(Key, isQuiet: Bool)
  case flushAll(delay: Expiry, isQuiet: Bool)
  case stats(name: String)
  case verbosity(isQuiet: Bool)
  case version
  case quit
  /// No command, and what to say about it. `data` bytes follow the line if it has announced a value: they must not pass
  /// for commands.
  case mistake(Mistake, data: Int?)
}

/// How items are asked for; the same for all keys of a line.
struct Retrieval {
  /// When the items are to expire from now on; nil if that stays as it is.
  var expiry: Expiry?
  var showsUnique: Bool
}

/// A value that is to be stored.
struct StoreRequest {
  enum Mode {
    case set, add, replace, append, prepend
    /// If nobody has changed the item since it had this number.
    case compare(unique: UInt64)
  }

  var mode: Mode
  var key: Key
  var flags: UInt32
  var expiry: Expiry
  /// How many bytes the value has.
  var count: Int
  /// Whether the client wants no answer.
  var isQuiet: Bool
}

/// What is wrong with a line.
///
/// Told also to clients that want no answer: one that cannot be understood may not have meant that.
enum Mistake: String, Error {
  case unknown = "ERROR\r\n"
  case format = "CLIENT_ERROR bad command line format\r\n"
  case expiry = "CLIENT_ERROR invalid exptime argument\r\n"
  case delta = "CLIENT_ERROR invalid numeric delta argument\r\n"
  case delete = "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"
  case data = "CLIENT_ERROR bad data chunk\r\n"
  case lineTooLong = "CLIENT_ERROR line too long\r\n"
  case notANumber = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
  case tooLarge = "SERVER_ERROR object too large for cache\r\n"
}
