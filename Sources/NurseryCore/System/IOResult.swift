/// The outcome of a call on a descriptor that this library owns.
package enum IOResult {
  /// The call's result, not negative.
  case done(Int)
  /// The call would block and had no effect.
  case wouldBlock
  /// An errno value.
  case failed(Int32)
  /// The descriptor has been closed here.
  case closed

  /// The outcome of a call that returns -errno when it fails.
  package init(_ result: Int) {
    if result >= 0 {
      self = .done(result)
    } else {
      self = result == -Int(System.wouldBlock) ? .wouldBlock : .failed(Int32(truncatingIfNeeded: -result))
    }
  }
}
