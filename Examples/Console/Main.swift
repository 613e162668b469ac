import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Attaches to a program that runs with `Configuration(console: .at("SOCKET"))`.
///
///     nursery-console /run/user/1000/server.console
///     nursery-console /run/user/1000/server.console why reader
@main
struct Main {
  static func main() {
    do {
      let options = try ConsoleOptions(CommandLine.arguments.dropFirst())
      let isFine = try runFibers(Configuration(parallelism: 1, onDeadlock: .wait)) {
        let connection = try ConsoleConnection(options.path)
        let isLive = options.command.isEmpty || options.command == "top"
        guard isLive, !options.isJSON, Screen.isThere else {
          return try PlainConsole(connection: connection, options: options).run()
        }
        let screen = try Screen()
        defer { screen.leave() }
        var console = LiveConsole(connection, options, screen)
        try console.run()
        return true
      }
      if !isFine { exit(1) }
    } catch let error as UsageError {
      report("nursery-console: \(error)\n\(ConsoleOptions.usage)")
      exit(2)
    } catch let error as SystemError where error.code == EPIPE {
      // The reader has ended, as in `nursery-console SOCKET dump | head`.
    } catch {
      report("nursery-console: \(error)\n")
      exit(1)
    }
  }

  private static func report(_ text: String) { write(STDERR_FILENO, text, text.utf8.count) }
}
