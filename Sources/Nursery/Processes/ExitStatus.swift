/// How a process ended.
public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
  /// It exited with this code, 0 to 255.
  case exited(Int32)
  /// A signal ended it.
  case signalled(Signal)

  /// Whether it exited with code 0.
  public var isSuccess: Bool { self == .exited(0) }

  /// "exited with code 1", "was ended by SIGKILL".
  public var description: String {
    switch self {
    case .exited(let code): "exited with code \(code)"
    case .signalled(let signal): "was ended by \(signal)"
    }
  }

  /// Decodes a status of wait(2).
  init(waitStatus status: Int32) {
    let signal = status & 0x7F
    self = signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(Signal(rawValue: signal))
  }
}
