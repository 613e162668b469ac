import CSwitch
import Synchronization

/// A value behind the standard library's mutex, for short critical sections that never suspend a fiber.
///
/// The thread sanitizer does not see what that mutex orders, so it is notified.
package struct Protected<State>: ~Copyable, @unchecked Sendable {
  private let mutex: Mutex<State>

  package init(_ state: consuming sending State) { mutex = Mutex(state) }

  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    try mutex.withLock { (state: inout sending State) throws(Failure) -> sending Result in
      if cs_is_sanitized { withUnsafePointer(to: mutex) { cs_notes_acquire($0) } }
      defer { if cs_is_sanitized { withUnsafePointer(to: mutex) { cs_notes_release($0) } } }
      return try body(&state)
    }
  }
}
