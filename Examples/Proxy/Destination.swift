import Nursery
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The stream that a direction writes to.
///
/// The other direction reads from it and must know whether a write has failed.
///
/// The system reports a reset only once. If a write has got it, a read sees an ordinary end, so the reader must check
/// `isBroken`.
final class Destination: WritableStream {
  let stream: TCPStream
  private let isInCall = Atomic(false)
  private let hasBroken = Atomic(false)

  init(_ stream: TCPStream) { self.stream = stream }

  /// Whether the other side has reset the connection and a write got the error.
  ///
  /// A write that is just getting the error sets this before its call returns, so the wait is no longer than a system
  /// call.
  var isBroken: Bool {
    while isInCall.load(ordering: .sequentiallyConsistent) { Fiber.yield() }
    return hasBroken.load(ordering: .sequentiallyConsistent)
  }

  func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    isInCall.store(true, ordering: .sequentiallyConsistent)
    defer { isInCall.store(false, ordering: .sequentiallyConsistent) }
    do {
      return try stream.tryWrite(bytes)
    } catch let error as SystemError {
      // If the other side had already closed (EPIPE), none of its bytes are missing.
      if error.code != EPIPE { hasBroken.store(true, ordering: .sequentiallyConsistent) }
      throw error
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws -> Int { try tryWrite(bytes) ?? writeOp(bytes).perform() }

  func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> { stream.whenWritableOp(attempt) }

  func close() { stream.close() }
}
