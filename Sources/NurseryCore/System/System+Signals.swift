import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin  // not yet verified
#endif

extension System {
  /// Catches signals until it is closed.
  package final class Listener: Sendable {
    nonisolated(unsafe) private let listener: OpaquePointer
    /// Readable while there is something to take.
    package let number: Int32

    package init(_ numbers: some Sequence<Int32>) throws(SystemError) {
      var bits: UInt64 = 0
      for number in numbers {
        guard 1...64 ~= number else { throw SystemError(code: EINVAL, action: "listen to the signal \(number)") }
        bits |= 1 << UInt64(number - 1)
        // The disposition that the last listener restores must not end the process: there may be streams by then.
        if number == SIGPIPE || number == SIGXFSZ { System.ignoreWriteSignals() }
      }
      var listener: OpaquePointer?
      var number: Int32 = -1
      try checked("listen to signals", cs_listener_open(bits, &listener, &number))
      self.listener = listener!
      self.number = number
    }

    deinit {
      stop()
      cs_listener_free(listener)
    }

    /// Takes the lowest signal that has arrived since it was last taken; -errno if none has.
    package func take() -> Int {
      let signal = cs_listener_take(listener, number)
      return signal == 0 ? -Int(EAGAIN) : Int(signal)
    }

    /// Gives the signals back; the caller closes the descriptor then.
    package func stop() { cs_listener_stop(listener) }
  }

  /// The numbers of the signals that have names here.
  package enum SignalNumber {
    package static let hangup = SIGHUP
    package static let interrupt = SIGINT
    package static let quit = SIGQUIT
    package static let abort = SIGABRT
    package static let kill = SIGKILL
    package static let user1 = SIGUSR1
    package static let segmentationFault = SIGSEGV
    package static let user2 = SIGUSR2
    package static let brokenPipe = SIGPIPE
    package static let alarm = SIGALRM
    package static let terminate = SIGTERM
    package static let child = SIGCHLD
    package static let `continue` = SIGCONT
    package static let stop = SIGSTOP
    package static let terminalStop = SIGTSTP
    package static let windowChange = SIGWINCH
  }
}
