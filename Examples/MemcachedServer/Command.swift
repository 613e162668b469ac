/// A client's command, parsed from its line.
enum Command {
  /// `get`, `gets`, `gat`, `gats`.
  case retrieve([Key], Retrieval)
  /// The same, for a long line: more keys follow.
  case beginToRetrieve([Key], Retrieval)
  /// Every command with a value, which follows the line.
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
  /// An invalid line and its error. If the line announced a value, `data` bytes follow it, which must not be read as
  /// commands.
  case mistake(Mistake, data: Int?)
}

/// How to get items; the same for all keys of a line.
struct Retrieval {
  /// The items' new time of expiry; nil to keep the old one.
  var expiry: Expiry?
  var showsUnique: Bool
}

/// A value to store.
struct StoreRequest {
  enum Mode {
    case set, add, replace, append, prepend
    /// If the item still has this number.
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
/// Sent also to clients that want no answer, because an invalid line may not have meant that.
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
