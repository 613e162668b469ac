/// A habit that costs a program dearly or hides a fault, found while the program runs; see `Configuration.lints`.
public struct Lint: Sendable, Hashable, CustomStringConvertible {
  /// What was found.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A `blocking` call waited for a thread of the pool for longer than its body ran.
    case queuedBlockingCall
    /// A call blocked the thread of a Swift task, where it could have suspended the task.
    case blockedTask
    /// A scope ended long after it was cancelled.
    case ignoredCancellation
    /// An unbounded channel holds very many elements.
    case growingChannel
    /// A fiber computed for ten time slices while others waited for its worker; only if a handler asks for lints.
    case heldWorker
    /// A cancelled fiber ran for ten time slices until it came to a cancellation point; only if a handler asks for lints.
    case lateCancellationPoint
    /// An operation waited in a `deinit`; only if a handler asks for lints.
    case waitInDeinit
    /// The last reference to a stream went, and closed it, while bytes that the other side had sent were unread.
    case droppedStream
    /// The last reference to a `BufferedWriter` went while bytes were not flushed.
    case unflushedWriter
  }

  /// What happens to lints.
  public enum Reporting: Sendable {
    /// In debug builds each is a line on standard error, unless time is virtual; otherwise nothing is looked for.
    case automatic
    /// Nothing is looked for.
    case off
    /// Called with each, in every build; once for each line of a run.
    ///
    /// Called on any thread, also on a fiber's, and on several at once; it must not wait.
    case to(@Sendable (Lint) -> Void)
  }

  /// What was found.
  public let kind: Kind
  /// The line in question: "Server/Accept.swift:12"; nil without debug information.
  public let line: String?
  /// What was found, where, and what to write instead.
  public let description: String
}

/// Where the lints of one run go.
final class LintReports: Sendable {
  private let handler: (@Sendable (Lint) -> Void)?
  private let told = Protected<Set<Told>>([])
  private let seenStacks = Protected<Set<[UInt]>>([])

  private struct Told: Hashable {
    let kind: Lint.Kind
    let line: String?
  }

  /// For how many time slices a fiber may hold its worker, or run on when it was cancelled.
  static let patienceInSlices: Int64 = 10

  /// For what happens outside of runs.
  static let ofProcess = LintReports(.automatic)

  init(_ reporting: Lint.Reporting, isVirtual: Bool = false) {
    if case .to = reporting { areAskedFor = true } else { areAskedFor = false }
    switch reporting {
    case .off: handler = nil
    case .to(let given): handler = given
    case .automatic:
      #if DEBUG
        handler = isVirtual ? nil : Self.write
      #else
        handler = nil
      #endif
    }
  }

  private static let write: @Sendable (Lint) -> Void = { System.writeToStandardError("nursery: \($0)\n") }

  /// Whether the program has given a handler.
  let areAskedFor: Bool

  /// Whether anything is to be looked for.
  var areOn: Bool { handler != nil }

  /// Reports what was found, unless it has been of this line.
  ///
  /// - Parameter text: is given the line, or "a line unknown".
  func report(_ kind: Lint.Kind, at line: String?, _ text: (String) -> String) {
    guard let handler, told.withLock({ $0.insert(Told(kind: kind, line: line)).inserted }) else { return }
    handler(Lint(kind: kind, line: line, description: text(line ?? "a line unknown")))
  }

  /// The same for callers that hold a lock or are in a hurry: on a thread of its own.
  func reportLater(_ kind: Lint.Kind, _ frames: [UInt], _ text: @escaping @Sendable (String) -> String) {
    reportLater(kind, at: { SourceLines.line(of: frames) }, text)
  }

  /// The same for what may happen very often: once for each stack, so that lines are looked up for a few.
  func reportLaterOnce(_ kind: Lint.Kind, _ frames: [UInt], _ text: @escaping @Sendable (String) -> String) {
    let isNew = seenStacks.withLock { $0.count < Self.mostStacks && $0.insert(frames).inserted }
    if isNew { reportLater(kind, frames, text) }
  }

  private static let mostStacks = 1000

  func reportLater(
    _ kind: Lint.Kind, at line: @escaping @Sendable () -> String?, _ text: @escaping @Sendable (String) -> String
  ) {
    guard areOn else { return }
    let job = UnsafeMutablePointer<() -> Void>.new { self.report(kind, at: line(), text) }
    do {
      System.detachThread(
        try System.startThread("fibers-report", job) { job in
          let job = job!.assumingMemoryBound(to: (() -> Void).self)
          job.pointee()
          job.destroy()
          return nil
        })
    } catch {
      job.destroy()
    }
  }
}
