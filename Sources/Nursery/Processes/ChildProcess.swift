/// A process that has been started: the means to talk to it, to wait for it, and to end it.
///
/// It belongs to the nursery in which it was started, together with everything it starts itself, whether that stays in
/// its process group or forks twice and leaves its session: when the nursery's body and children have ended, or it is
/// cancelled, all of these are sent SIGTERM, after the command's `grace` SIGKILL, and the nursery ends when the last of
/// them has. So they do if this process crashes: then it is SIGKILL at once. Only what runs as another user, through
/// sudo for instance, can escape; that fails the nursery.
///
/// The handle may be dropped, which has no effect on the process but that pipes that nobody holds are closed.
public final class ChildProcess: Sendable {
  /// The system's number of the process.
  ///
  /// It may be somebody else's once the process has ended.
  public let processID: Int32
  /// What it reads, if the command says `.pipe`; close it when it has got everything.
  public let input: PipeStream?
  /// What it writes, if the command says `.pipe`.
  public let output: PipeStream?
  /// What it complains, if the command says `.pipe`.
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

  /// How it has ended; nil while it runs.
  public var status: ExitStatus? { guardian.status }

  /// Waits until the process itself has ended; what it has started may run on.
  ///
  /// A cancellation point. A process that waits for its input to end, or for somebody to read what it writes, ends
  /// only if that happens.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; `SystemError` if its end cannot be known.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func wait() throws -> ExitStatus { try waitOp().perform() }

  /// The operation that commits when the process itself has ended; its value is how.
  public func waitOp() -> Op<ExitStatus> { guardian.waitOp() }

  /// Sends a signal to the process itself, or to everything it has started as well.
  ///
  /// Never blocks. Does nothing when that has ended. Signals are not counted: of many that are sent faster than they
  /// can be passed on, some hundreds, those beyond are dropped.
  public func kill(_ signal: Signal, wholeTree: Bool = false) { guardian.signal(signal, wholeTree: wholeTree) }

  /// Ends the process and everything it has started: SIGTERM, after the command's `grace` SIGKILL.
  ///
  /// Never blocks; `wait` for the end. What the nursery does at its end.
  public func terminate() { fiber.cancel() }
}

extension ChildProcess: CustomStringConvertible {
  /// "sort (process 123)".
  public var description: String { guardian.description }
}

extension Command {
  /// Starts the command in the nursery around, which owns the process from now on; see `ChildProcess`.
  ///
  /// Returns when the program has been executed, which takes about a millisecond; files for its input and output are
  /// opened before, on threads of the blocking pool. A cancellation point; then nothing has been started. Outside any
  /// nursery this is a mistake that traps.
  ///
  /// - Throws: `LaunchError` if there is no such program or directory, if it may not be used, or there are too many
  ///   processes; `InvalidCommandError`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func start(file: StaticString = #fileID, line: UInt = #line) throws -> ChildProcess {
    try Fiber.checkCancellation()
    let plan = try LaunchPlan(self)
    let guardian = ProcessGuardian(self, try plan.launch())
    // The guardian launches: in a nursery that is cancelled just now it never runs, and then there is nobody to guard.
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
