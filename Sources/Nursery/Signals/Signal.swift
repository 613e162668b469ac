/// A signal, as the system numbers it.
public struct Signal: RawRepresentable, Hashable, Sendable {
  /// The system's number.
  public let rawValue: Int32

  /// Creates a signal from its number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  private init(_ rawValue: Int32) { self.rawValue = rawValue }

  /// SIGHUP: the terminal is closed; servers usually read their configuration again.
  public static let hangup = Signal(System.SignalNumber.hangup)
  /// SIGINT: Control-C.
  public static let interrupt = Signal(System.SignalNumber.interrupt)
  /// SIGQUIT: Control-\.
  public static let quit = Signal(System.SignalNumber.quit)
  /// SIGABRT: the program has called abort(3).
  public static let abort = Signal(System.SignalNumber.abort)
  /// SIGKILL: ends a process; cannot be caught or ignored.
  public static let kill = Signal(System.SignalNumber.kill)
  /// SIGSEGV: an invalid memory access.
  public static let segmentationFault = Signal(System.SignalNumber.segmentationFault)
  /// SIGUSR1: has the meaning that the program gives it.
  public static let user1 = Signal(System.SignalNumber.user1)
  /// SIGUSR2: has the meaning that the program gives it.
  public static let user2 = Signal(System.SignalNumber.user2)
  /// SIGPIPE: a write to a pipe or connection without a reader.
  public static let brokenPipe = Signal(System.SignalNumber.brokenPipe)
  /// SIGALRM: a timer of alarm(2).
  public static let alarm = Signal(System.SignalNumber.alarm)
  /// SIGTERM: asks a process to end.
  public static let terminate = Signal(System.SignalNumber.terminate)
  /// SIGCHLD: a child has ended, or stopped.
  public static let child = Signal(System.SignalNumber.child)
  /// SIGCONT: continues a stopped process.
  public static let `continue` = Signal(System.SignalNumber.continue)
  /// SIGSTOP: stops a process; cannot be caught or ignored.
  public static let stop = Signal(System.SignalNumber.stop)
  /// SIGTSTP: Control-Z.
  public static let terminalStop = Signal(System.SignalNumber.terminalStop)
  /// SIGWINCH: the terminal's size has changed.
  public static let windowChange = Signal(System.SignalNumber.windowChange)

  private static let names: [Signal: String] = [
    .hangup: "SIGHUP", .interrupt: "SIGINT", .quit: "SIGQUIT", .abort: "SIGABRT", .kill: "SIGKILL",
    .segmentationFault: "SIGSEGV", .user1: "SIGUSR1", .user2: "SIGUSR2", .brokenPipe: "SIGPIPE", .alarm: "SIGALRM",
    .terminate: "SIGTERM", .child: "SIGCHLD", .continue: "SIGCONT", .stop: "SIGSTOP", .terminalStop: "SIGTSTP",
    .windowChange: "SIGWINCH",
  ]
}

extension Signal: CustomStringConvertible {
  /// "SIGTERM", or "signal 34".
  public var description: String { Self.names[self] ?? "signal \(rawValue)" }
}
