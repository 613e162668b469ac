extension Configuration.Console {
  /// A Unix socket at this path, to which `nursery-console` connects.
  ///
  ///     try runFibers(Configuration(console: .at("/run/user/1000/server.console"))) { ... }
  ///
  /// The run fails with a `SystemError` if the path is in use. A socket of this user without a listener, left by a
  /// process that has crashed, is replaced. The socket is removed when the run has ended.
  ///
  /// - Parameter path: at most 107 bytes.
  public static func at(_ path: String) -> Configuration.Console { at(path, ConsoleLimits()) }

  package static func at(_ path: String, _ limits: ConsoleLimits) -> Configuration.Console {
    Configuration.Console { try ConsoleServer(path, limits) }
  }
}

/// What a client of a console may take.
package struct ConsoleLimits: Sendable {
  /// How many may be connected.
  package var clients = 8
  /// How long one may take to read a reply.
  package var replyTime = Duration.seconds(10)
  /// The longest request, in bytes.
  package var requestSize = 4096
  /// How many fibers a reply may list one by one.
  package var fibers = 200_000

  package init() {}
}
