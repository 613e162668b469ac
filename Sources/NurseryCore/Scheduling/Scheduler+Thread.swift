import CSwitch

extension Scheduler {
  /// Runs `body` under a new scheduler on a thread of its own and hands the result to `completion` there.
  package static func runOnThread<Result: Sendable>(
    _ configuration: Configuration, _ body: @escaping @Sendable () throws -> Result,
    completion: @escaping @Sendable (Swift.Result<Result, any Error>) -> Void
  ) throws {
    let job = Job {
      completion(Swift.Result { try Scheduler.run(configuration, body) })
    }
    let argument = Unmanaged.passRetained(job)
    do {
      let thread = try System.startThread("fibers-0", argument.toOpaque()) { argument in
        Unmanaged<Job>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }
      System.detachThread(thread)
    } catch {
      argument.release()
      throw error
    }
  }

  private final class Job: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
      self.run = run
    }
  }

  /// Hands an error that no caller is left to catch to the current scheduler's handler.
  package static func reportSuppressed(_ error: any Error) {
    guard let scheduler = current else { return writeSuppressed(error) }
    scheduler.report(suppressed: error)
  }

  func report(suppressed error: any Error) {
    guard let handler = settings.onSuppressedError else { return Self.writeSuppressed(error) }
    handler(error)
  }

  private static func writeSuppressed(_ error: any Error) {
    System.writeToStandardError("nursery: a further failure was suppressed: \(error)\n")
  }
}
