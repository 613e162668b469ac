/// Wakes waiters to try again; streams of your own are made of it.
///
///     final class Inbox: Sendable {
///       private let bytes = Mutex<[UInt8]>([])
///       private let readiness = Readiness("bytes in the inbox")
///
///       func put(_ byte: UInt8) {
///         bytes.withLock { $0.append(byte) }
///         readiness.signal()
///       }
///
///       func takeOp() -> Op<UInt8> {
///         readiness.whenReadyOp { self.bytes.withLock { $0.popLast() } }
///       }
///     }
///
/// To pass a value from one fiber to another, a `Channel` is simpler.
public final class Readiness: @unchecked Sendable {
  private let gate: GateRef
  private let what: StaticString

  /// Creates one; dumps and deadlock reports say that a waiter waits for `what`: "bytes in the inbox".
  public init(_ what: StaticString) {
    self.what = what
    gate = .new(Gate())
  }

  deinit {
    gate.destroy()
  }

  /// Wakes all waiters; each retries.
  ///
  /// Never blocks; may be called from anywhere. Change the state that the waiters try first, then signal.
  public func signal() { gate.signal() }

  /// The operation that commits when `attempt` returns a value.
  ///
  /// `attempt` is called on the performing fiber: at first, and after every signal for as long as nothing has
  /// committed. No signal is missed. It must not wait, and must have no effect when it returns nil. If it throws, the
  /// perform throws that error.
  public func whenReadyOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    Op(AttemptOperation(gate, of: self, what, attempt))
  }
}
