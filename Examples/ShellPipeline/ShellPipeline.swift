import Nursery

/// Runs a pipeline of commands under a time limit, and reports how each of them ended.
///
///     shell-pipeline [--timeout SECONDS] COMMAND [ARGUMENT...] ['|' COMMAND [ARGUMENT...]]...
///     shell-pipeline [--timeout SECONDS] < TEXT
///
/// As in a shell, the first command reads standard input, each further one reads the output of the one before it, and
/// the last writes to standard output. Unlike a shell it leaves no process behind: at the end of the time, or on
/// Control-C, every command and all its descendants are ended. Without a command it counts the words of standard input,
/// the most frequent first:
///
///     tr -cs A-Za-z '\n' | tr A-Z a-z | sort | uniq -c | sort -k1,1nr -k2 | head -n 10
///
/// The exit status is that of the last command that failed, as in a shell: 128 plus the number for a signal; 124 if the
/// time was over. A command that SIGPIPE ended, because its reader had read enough, has not failed.
@main
struct ShellPipeline {
  static func main() {
    do {
      let request = try Request(CommandLine.arguments.dropFirst())
      exit(try run(request))
    } catch let error as UsageError {
      report(error)
      exit(2)
    } catch is NurseryCancelledError {
      report("interrupted")
      exit(130)
    } catch {
      report(error)
      exit(error is TimeoutError ? 124 : error is LaunchError ? 127 : 1)
    }
  }

  /// Runs the request and returns the exit status.
  static func run(_ request: Request) throws -> Int32 {
    try withGracefulShutdown("pipeline", grace: .zero) { nursery in
      try request.withLimit {
        let processes = try request.pipeline.start()
        let input = processes[0].input!
        nursery.goAsync("input", daemon: true) { try feed(input) }
        let statuses = try processes.map { try $0.wait() }
        for (process, status) in zip(processes, statuses) where !status.isSuccess && status != .signalled(.brokenPipe) {
          report("\(process) \(status)")
        }
        return shellStatus(statuses)
      }
    }
  }

  /// Passes standard input on.
  ///
  /// A command that read the terminal directly would be stopped, because it is not in the foreground group.
  private static func feed(_ input: PipeStream) throws {
    defer { input.close() }
    do {
      try copy(from: StandardStream.input, to: input)
    } catch let error as SystemError where error.code == brokenPipe {
      // The first command has read enough.
    }
  }

  private static func shellStatus(_ statuses: [ExitStatus]) -> Int32 {
    let isLast = { $0 == statuses.count - 1 }
    for (index, status) in statuses.enumerated().reversed() {
      switch status {
      case .exited(0): continue
      case .exited(let code): return code
      case .signalled(.brokenPipe) where !isLast(index): continue
      case .signalled(let signal): return 128 + signal.rawValue
      }
    }
    return 0
  }
}
