/// The daemon behind each `ChildProcess`: launches the process, follows its state, and ends it when its nursery ends.
///
///     begin ──> launched ──> exited ──> empty            the guardian ends
///         └──> failed   │        │
///                       └────────┴──> cancelled: SIGTERM, grace, SIGKILL ──> empty
///
/// The process's keeper (Sources/CSwitch/processes/keeper.c) sends the news through a descriptor.
final class ProcessGuardian: @unchecked Sendable {
  private let command: Command
  private let launch: System.Launch
  /// Signalled when the launch has succeeded or failed.
  let settled = Condition("the launch of a process")
  /// Signalled when the process has ended.
  private let ended = Condition("the end of a process")

  private let lock = SpinLock(.object)
  @exclusivity(unchecked) private var child: KeptChild?
  @exclusivity(unchecked) private var state = State()

  private struct State {
    var processID: Int32 = 0
    var launchError: (any Error)?
    var status: ExitStatus?
    var failure: (any Error)?
  }

  init(_ command: Command, _ launch: System.Launch) {
    self.command = command
    self.launch = launch
  }

  // MARK: Queries and requests

  var processID: Int32 { read { $0.processID } }
  var launchError: (any Error)? { read { $0.launchError } }
  var status: ExitStatus? { read { $0.status } }
  var description: String { "\(command.program) (process \(processID))" }

  func waitOp() -> Op<ExitStatus> {
    ended.waitOp().wrap { [self] in
      if let status { return status }
      throw read { $0.failure } ?? CancellationError()
    }
  }

  func signal(_ signal: Signal, wholeTree: Bool) {
    order { _ = $0.signal(signal, tree: wholeTree) }
  }

  private func read<Value>(_ body: (State) -> Value) -> Value { lock.withLock { body(state) } }

  private func change(_ body: (inout State) -> Void) { lock.withLock { body(&state) } }

  // MARK: The daemon

  func run() throws {
    defer {
      settled.signal()
      ended.signal()
    }
    do {
      let child = KeptChild(try launch.begin())
      lock.withLock { self.child = child }
    } catch {
      return fail(LaunchError(command, error.step, code: error.code))
    }
    defer { release() }
    guard try withShield(hasStarted) else { return }
    do {
      try follow()
    } catch is CancellationError {
      try withShield(end)
    }
  }

  private func hasStarted() throws -> Bool {
    switch try nextNews() {
    case .started(let process):
      change { $0.processID = process }
      settled.signal()
      return true
    case .failed(let code, let step): fail(LaunchError(command, step, code: code))
    default: fail(LaunchError(command, .process, code: System.noProcess))
    }
    return false
  }

  private func fail(_ error: LaunchError) { change { $0.launchError = error } }

  /// Returns when the process and all its descendants have ended.
  private func follow() throws {
    while true {
      switch try nextNews() {
      case .exited(let status):
        change { $0.status = ExitStatus(waitStatus: status) }
        ended.signal()
      case .refused(let code): throw abandoned(code, "kill what \(description) has started, which runs as another user")
      case .lost: throw abandoned(System.noProcess, "follow \(description), whose keeper was killed")
      case .empty: return
      case .started, .failed: break
      }
    }
  }

  private func abandoned(_ code: Int32, _ action: String) -> any Error {
    let error = SystemError(code: code, action: action)
    change { $0.failure = error }
    return error
  }

  private func end() throws {
    // A stopped process handles SIGTERM only after SIGCONT.
    var requests = [Signal.terminate, .continue][...]
    // Sent at once, however short the grace is. If the queue is full of the user's signals, sent as soon as there is
    // room.
    order { child in
      while let next = requests.first, child.signal(next, tree: true) { requests.removeFirst() }
    }
    let isOver: Void? = try withTimeoutOrNil(command.grace) {
      for request in requests { try child!.signalTree(request) }
      try follow()
    }
    if isOver != nil { return }
    order { $0.killTree() }
    try follow()
  }

  private func order(_ body: (KeptChild) -> Void) { lock.withLock { if let child { body(child) } } }

  /// Only this daemon clears `child`, so it is not nil here.
  private func nextNews() throws -> System.ChildNews { try child!.nextNews() }

  private func release() {
    lock.withLock { child.take() }?.release()
  }
}
