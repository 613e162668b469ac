/// Tells those who wait for something that trying again makes sense: what streams of your own are made of.
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
/// Where a value passes from one fiber to another a `Channel` is simpler.
public final class Readiness: @unchecked Sendable {
  private let gate: GateRef
  private let what: StaticString

  /// Creates one; `what` is waited for, in the words of dumps and deadlock reports: "bytes in the inbox".
  public init(_ what: StaticString) {
    self.what = what
    gate = .allocate(capacity: 1)
    gate.initialize(to: Gate())
  }

  deinit {
    gate.deinitialize(count: 1)
    gate.deallocate()
  }

  /// Tells everybody who waits to try again.
  ///
  /// Never blocks; may be called from anywhere. Change first what there is to find, then signal.
  public func signal() { gate.signal() }

  /// The operation that commits when `attempt` returns a value.
  ///
  /// `attempt` is called on the performing fiber: at first, and after every signal for as long as nothing has committed. No signal is
  /// missed. It must not wait, and must have no effect when it returns nil. What it throws, the perform throws.
  public func whenReadyOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    Op(AttemptOperation(gate, of: self, what, attempt))
  }
}
