import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Shows what happens in access logs while it happens, on Linux.
///
///     log-pipeline --since 15m /var/log/nginx/access.log
@main
struct Main {
  static func main() {
    do {
      let options = try LogOptions(CommandLine.arguments.dropFirst())
      try runFibers(Configuration(onDeadlock: .wait)) {
        try withGracefulShutdown("logs", grace: .seconds(10)) { _ in
          let display = Display(options)
          try LogPipeline(options).run(show: display.show, showLive: display.showLive)
        }
      }
    } catch let error as UsageError {
      report("log-pipeline: \(error)\n\(LogOptions.usage)")
      exit(2)
    } catch let error as SystemError where error.code == EPIPE {
      // The reader has ended, as in `log-pipeline FILE | head`.
    } catch {
      report("log-pipeline: \(error)\n")
      exit(1)
    }
  }

  private static func report(_ text: String) { write(STDERR_FILENO, text, text.utf8.count) }
}
