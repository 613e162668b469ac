/// The way an error has come: the fibers that ended with it and the nurseries that threw it.
///
/// The error keeps its type. Ask in a plain `catch`, which binds the very error that was thrown:
///
///     do {
///       try withNursery("server") { ... }
///     } catch {
///       print(error, FailureTrace(of: error)?.description ?? "")
///     }
///
/// An error that is caught by its type is a copy, of which nothing is known; thrown again, its way begins there. Errors
/// in an
/// `ErrorGroup`, and those handed to the suppressed-error handler, have theirs as well. A `CancellationError` has none. Keeping the
/// trace costs a failure a lock and an entry in a table, and success nothing; it keeps no error alive.
public struct FailureTrace: Sendable, Hashable, CustomStringConvertible {
  /// A boundary that the error has crossed.
  public enum Step: Sendable, Hashable, CustomStringConvertible {
    /// A fiber has ended with it.
    case fiber(FiberIdentity, spawnedAt: SourceSite)
    /// A nursery has thrown it: its path, with its own name, and where it was opened.
    case nursery(path: String, openedAt: SourceSite)
    /// It ended the last attempt of a `retry`; an earlier one, whose number counts from 1, failed as described.
    case attempt(Int, String)

    /// "through fiber "reader" in server, spawned at Server/Main.swift:12".
    public var description: String {
      switch self {
      case .fiber(let fiber, let site): "through \(fiber), spawned at \(site)"
      case .nursery("", let site): "through a nursery opened at \(site)"
      case .nursery(let path, let site): "through nursery \(path), opened at \(site)"
      case .attempt(let number, let failure): "after attempt \(number), which failed: \(failure)"
      }
    }
  }

  /// The boundaries, innermost first.
  public let steps: [Step]

  /// What is known of an error; nil if it has not left a fiber or a nursery, or is another error than the one that did.
  public init?(of error: any Error) {
    guard let steps = FailureRegister.steps(of: error) else { return nil }
    self.steps = steps
  }

  /// The steps, one a line.
  public var description: String { steps.map(\.description).joined(separator: "\n") }

  /// Adds a step to an error's way.
  package static func note(_ error: any Error, _ step: @autoclosure () -> Step) {
    if !(error is CancellationError) { FailureRegister.add(step(), to: error) }
  }

  /// Adds the running fiber, which is about to end for another reason.
  package static func noteFiber(_ error: any Error) { note(error, Performer.current().traceStep) }
}

extension FiberRef {
  var traceStep: FailureTrace.Step { .fiber(FiberIdentity(self)!, spawnedAt: site) }
}

extension NurseryRef {
  package var traceStep: FailureTrace.Step { .nursery(path: path, openedAt: scope.site) }
}
