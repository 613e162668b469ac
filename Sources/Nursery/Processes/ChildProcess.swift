/// A started process: its pipes, and the calls that wait for it, signal it and end it.
///
/// It belongs to the nursery in which it was started, with all its descendants, even those that fork twice and leave
/// its session. When the nursery's body and children have ended, or the nursery is cancelled, all of them get SIGTERM,
/// and SIGKILL after the command's `grace`. The nursery ends after the last of them. If this process crashes, they get
/// SIGKILL at once. Only a process of another user, for instance through sudo, can survive; that fails the nursery.
///
/// The handle may be dropped. That closes its pipes unless they are held elsewhere, and has no other effect on the
/// process.
public final class ChildProcess: Sendable {
  /// The process's number.
  ///
  /// Once the process has ended, another process may get the number.
  public let processID: Int32
  /// The pipe to its standard input, if the command says `.pipe`.
  ///
  /// Close it after the last byte.
  public let input: PipeStream?
  /// The pipe from its standard output, if the command says `.pipe`.
  public let output: PipeStream?
  /// The pipe from its standard error, if the command says `.pipe`.
  public let error: PipeStream?
  /// Its terminal, if the command has one.
  public let terminal: TerminalStream?

  private let guardian: ProcessGuardian
  private let fiber: Fiber<Void>

  init(_ plan: borrowing LaunchPlan, _ guardian: ProcessGuardian, _ fiber: Fiber<Void>) {
    processID = guardian.processID
    input = plan.input
    output = plan.output
    error = plan.error
    terminal = plan.terminal
    self.guardian = guardian
    self.fiber = fiber
  }

  /// How it ended; nil while it runs.
  public var status: ExitStatus? { guardian.status }

  /// Waits until the process itself has ended; its descendants may run on.
  ///
  /// A cancellation point. A process may wait for its input to end, or for its output to be read; it does not end
  /// before that happens.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; `SystemError` if its end cannot be known.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func wait() throws -> ExitStatus { try waitOp().perform() }

  /// The operation that commits when the process itself has ended; its value is the exit status.
  public func waitOp() -> Op<ExitStatus> { guardian.waitOp() }

  /// Sends a signal to the process itself, or also to all its descendants.
  ///
  /// Never blocks. Does nothing after the process has ended. If signals are sent faster than they can be passed on,
  /// those beyond some hundreds are dropped.
  public func kill(_ signal: Signal, wholeTree: Bool = false) { guardian.signal(signal, wholeTree: wholeTree) }

  /// Ends the process and all its descendants: SIGTERM, then SIGKILL after the command's `grace`.
  ///
  /// Never blocks; call `wait` to wait for the end. The nursery does the same at its end.
  public func terminate() { fiber.cancel() }
}

extension ChildProcess: CustomStringConvertible {
  /// "sort (process 123)".
  public var description: String { guardian.description }
}

extension Command {
  /// Starts the command in the ambient nursery, which then owns the process; see `ChildProcess`.
  ///
  /// Returns when the program has been executed, which takes about a millisecond. Files for its input and output are
  /// opened before, on threads of the blocking pool. A cancellation point; then nothing has been started. Traps outside
  /// any nursery.
  ///
  /// - Throws: `LaunchError` if the program or directory does not exist or may not be used, or if there are too many
  ///   processes; `InvalidCommandError`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func start(file: StaticString = #fileID, line: UInt = #line) throws -> ChildProcess {
    try Fiber.checkCancellation()
    let plan = try LaunchPlan(self)
    let guardian = ProcessGuardian(self, try plan.launch())
    // The guardian itself launches. If the nursery is cancelled at this moment, the guardian never runs, and there is
    // no process.
    let fiber: Fiber<Void> = ambientNursery("Command.start").spawnChild(
      "guardian of \(program)", daemon: true, .here, SourceSite(file: file, line: line)
    ) { try guardian.run() }
    try withShield {
      try Op.biased([guardian.settled.waitOp(), fiber.waitOp().recover { _ in }]).perform()
    }
    if let error = guardian.launchError { throw error }
    guard guardian.settled.isSignalled else { throw CancellationError() }
    return ChildProcess(plan, guardian, fiber)
  }
}
