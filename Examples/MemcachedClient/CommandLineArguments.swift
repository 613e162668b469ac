import Nursery

/// The options and the command of the command line.
struct CommandLineArguments {
  private(set) var host = "127.0.0.1"
  private(set) var port: UInt16 = 11211
  private var words: [String] = []

  /// - Throws: `UsageError`.
  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    while let option = rest.first, option.hasPrefix("-") {
      rest = rest.dropFirst()
      guard let value = rest.popFirst() else { throw UsageError(description: "\(option) wants a value") }
      switch option {
      case "-h": host = value
      case "-p":
        guard let number = UInt16(value) else { throw UsageError(description: "-p wants a port, not '\(value)'") }
        port = number
      default: throw UsageError(description: "there is no option '\(option)'")
      }
    }
    words = Array(rest)
  }

  /// Executes the command and prints its result; returns whether the answer was positive.
  func run(_ client: MemcachedClient) throws -> Bool {
    switch words.count {
    case 2... where words[0] == "get":
      let values = try client.get(Array(words.dropFirst()))
      for value in values { print(String(decoding: value.data, as: UTF8.self)) }
      return values.count == words.count - 1
    case 3, 4:
      let data = Array(words[2].utf8)
      guard let mode = MemcachedClient.Mode(rawValue: words[0]), let expiry = Int(words.count == 4 ? words[3] : "0")
      else { return try runWithNumber(client) }
      return say(try client.set(words[1], data, mode, expiry: expiry), "stored", "not stored")
    case 2 where words[0] == "delete":
      return say(try client.delete(words[1]), "deleted", "not found")
    case 1: return try runAlone(client)
    default: throw UsageError(description: "that is no command")
    }
  }

  private func runWithNumber(_ client: MemcachedClient) throws -> Bool {
    guard words.count == 3, let number = Int64(words[2]) else { throw UsageError(description: "that is no command") }
    switch words[0] {
    case "incr", "decr":
      guard number > .min else { throw UsageError(description: "that is no number to count by") }
      guard let result = try client.add(words[0] == "incr" ? number : -number, to: words[1]) else {
        return say(false, "", "not found")
      }
      return say(true, "\(result)", "")
    case "touch": return say(try client.touch(words[1], expiry: Int(number)), "touched", "not found")
    default: throw UsageError(description: "that is no command")
    }
  }

  private func runAlone(_ client: MemcachedClient) throws -> Bool {
    switch words[0] {
    case "stats": for figure in try client.statistics() { print(figure.name, figure.value) }
    case "version": print(try client.version())
    case "flush": try client.flushAll()
    default: throw UsageError(description: "that is no command")
    }
    return true
  }

  private func say(_ isYes: Bool, _ yes: String, _ no: String) -> Bool {
    print(isYes ? yes : no)
    return isYes
  }
}

/// The command line is wrong.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  static let usage = """
    usage: memcached-client [-h HOST] [-p PORT] COMMAND

      get KEY...                            print the values
      set | add | replace KEY VALUE [SECONDS]
      append | prepend KEY VALUE
      incr | decr KEY NUMBER
      touch KEY SECONDS
      delete KEY
      flush | stats | version

    """
}
