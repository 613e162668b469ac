/// Receives the signals that are sent to this process.
///
///     let listener = try SignalListener([.hangup])
///     for _ in listener { try configuration.reload() }
///
/// While it listens, the signals do nothing else: SIGTERM does not end the process. Several listeners may listen to the
/// same signal, and each gets it. A signal that arrives several times while no fiber waits is kept once, as the system
/// does. `close` ends the listener, as does the release of the last reference, or the end of the nursery in which it
/// was made. When the last listener of a signal closes, the signal's previous disposition is restored, except that
/// SIGPIPE is then ignored.
///
/// Several fibers may wait on one listener; each signal goes to one of them. Do not listen to signals that a thread
/// causes by a fault (SIGSEGV, SIGFPE and the like): the faulting instruction would run again for ever.
public final class SignalListener: Sendable {
  private let listener: System.Listener
  private let descriptor: Descriptor
  private let signals: [Signal]

  /// Begins to listen.
  ///
  /// Never blocks.
  ///
  /// - Throws: `SystemError` for signals that cannot be caught, `.kill` and `.stop`, and if the process has no
  ///   descriptor left.
  public init(_ signals: [Signal]) throws {
    listener = try System.Listener(signals.map(\.rawValue))
    descriptor = Descriptor(adopting: listener.number)
    self.signals = signals
  }

  deinit { close() }

  /// Waits until one of the signals arrives, and takes it.
  ///
  /// If several have arrived, the one with the lowest number comes first. A cancellation point.
  ///
  /// - Throws: `StreamClosedError` if the listener is closed; `CancellationError` if the current scope is cancelled; no
  ///   signal has been taken then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func wait() throws -> Signal { try waitOp().perform() }

  /// The operation that commits when one of the signals arrives; its value is the signal.
  ///
  /// An operation that is not chosen has taken no signal.
  public func waitOp() -> Op<Signal> {
    descriptor.op(.readable, keeping: self) { [self] in
      switch descriptor.attempt(.readable, { _ in listener.take() }) {
      case .done(let number): Signal(rawValue: Int32(number))
      case .wouldBlock: nil
      case .failed, .closed: throw StreamClosedError(stream: description)
      }
    }
  }

  /// Stops listening.
  ///
  /// Pending waits throw `StreamClosedError`.
  ///
  /// Never blocks. Closing it again does nothing.
  public func close() {
    listener.stop()
    descriptor.close()
  }
}

extension SignalListener: Sequence {
  /// Waits for one signal after another; ends when the listener is closed, and in a cancelled scope.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func makeIterator() -> AnyIterator<Signal> {
    AnyIterator { try? self.wait() }
  }
}

extension SignalListener: CustomStringConvertible {
  /// "the listener to SIGINT and SIGTERM".
  public var description: String { "the listener to \(signals.map(\.description).joined(separator: " and "))" }
}
