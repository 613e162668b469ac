import CSwitch

/// How a reactor learns from the kernel which descriptors are ready: epoll, poll(2), and what else may come.
///
/// Everything but `wait` may be called by any thread at any time, while another one waits.
package protocol ReactorBackend: AnyObject, Sendable {
  /// A descriptor that ends a wait when it is made readable; its token is `Reactor.bellToken`.
  var bell: Int32 { get }

  /// Reports from now on when the descriptor becomes ready for reading or writing, and at once if it is.
  ///
  /// Zero or -errno; -EPERM for a kind that is always ready.
  func add(_ descriptor: Int32, token: UInt64) -> Int32

  /// As `add`, for a descriptor that may have been added already, or was and has been closed since.
  ///
  /// Readiness that is there already is reported anew. 1 if it had been added, 0 if it had not, or -errno.
  func renew(_ descriptor: Int32, token: UInt64) -> Int32

  /// Reports no more of it; called before the descriptor is closed.
  func remove(_ descriptor: Int32)

  /// Whether it reports every change, unasked; else states, and of each only the first report until `expect` asks for
  /// the next.
  var reportsChanges: Bool { get }

  /// Called before a fiber waits for a descriptor that it found not ready; not called if changes are reported.
  func expect(_ descriptor: Int32, _ interest: Interest)

  /// Waits at most `nanoseconds` (negative: for ever) and returns how many events were found.
  func wait(_ events: UnsafeMutableBufferPointer<cs_ready>, nanoseconds: Int64) -> Int
}
