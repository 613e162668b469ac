import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin  // not yet verified
#endif

extension System {
  package static let interrupted = EINTR

  /// System calls of ours that another thread may interrupt.
  package final class Interruption: Sendable {
    nonisolated(unsafe) private let interruption = cs_interruption_make()

    package init() {}

    deinit { cs_interruption_free(interruption) }

    /// Makes the blocked calls return, and further ones that would block.
    ///
    /// Never blocks.
    package func interrupt() { cs_interruption_raise(interruption) }

    /// Calls `body`, which blocks the thread in system calls of ours and does nothing else.
    ///
    /// - Throws: `CancellationError` if it was interrupted; what `body` throws otherwise.
    package func run<Value>(_ body: () throws -> Value) throws -> Value {
      guard cs_interruption_enter(interruption) else { throw CancellationError() }
      defer { cs_interruption_leave(interruption) }
      do {
        return try body()
      } catch let error as SystemError where error.code == EINTR {
        throw CancellationError()
      }
    }
  }

  /// Whether the calling thread's system calls have been interrupted.
  package static var isInterrupted: Bool { cs_is_interrupted() }
}
