extension Op {
  /// This operation, or `TimeoutError` if it has not committed when the time is over.
  ///
  /// The time counts from the perform; an operation that becomes ready at the instant at which the time is over
  /// commits. Zero or negative: tried once, after the other branches of a choice. Allocates nothing, unless the
  /// operation has a timeout already: then one object.
  @inlinable
  @inline(__always)
  public func orTimeout(
    after duration: Duration, file: StaticString = #fileID, line: UInt = #line
  ) -> Op<Value> {
    timed(
      OperationTimeout(
        nanoseconds: min(duration.nanosecondsClamped, .max - 1), site: SourceSite(file: file, line: line)))
  }

  /// The operation with a timeout around those it has.
  @inlinable
  @inline(__always)
  func timed(_ timeout: OperationTimeout) -> Op<Value> {
    Op(self.timeout.isNone ? source : wrap { $0 }.source, argument: argument, timeout: timeout)
  }
}

/// How long an operation may take, as a part of its value, so an operation with a timeout needs no object for it.
///
/// In a perform it is one more leaf, a timer, behind those of its operation. So of equal timeouts the inner one ends
/// the perform.
@usableFromInline
struct OperationTimeout {
  @usableFromInline let nanoseconds: Int64
  /// The source line of the timeout.
  @usableFromInline let site: SourceSite

  @inlinable
  init(nanoseconds: Int64, site: SourceSite) {
    self.nanoseconds = nanoseconds
    self.site = site
  }

  /// No timeout: the end of time.
  @inlinable static var none: OperationTimeout { OperationTimeout(nanoseconds: .max, site: SourceSite()) }
  @inlinable var isNone: Bool { nanoseconds == .max }
  @inlinable var leafCount: Int { isNone ? 0 : 1 }

  /// The error that a perform throws when the timeout ends it.
  @usableFromInline
  @inline(never)
  func error() -> any Error { TimeoutError(after: .nanoseconds(nanoseconds), at: site) }
}
