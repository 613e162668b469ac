import Nursery
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where a direction writes to, and what the other direction, which reads from there, has to know of that.
///
/// The system tells of a reset once. If a write has been told, a read finds what looks like an end: it has to ask
/// `isBroken`.
final class Destination: WritableStream {
  let stream: TCPStream
  private let isInCall = Atomic(false)
  private let hasBroken = Atomic(false)

  init(_ stream: TCPStream) { self.stream = stream }

  /// Whether the other side has broken off, and a write has been told so.
  ///
  /// One that is just being told says so before its call is over, which takes no longer than a system call.
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
      // If the other side had ended before (EPIPE), nothing of what it had to say has been cut short.
      if error.code != EPIPE { hasBroken.store(true, ordering: .sequentiallyConsistent) }
      throw error
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws -> Int { try tryWrite(bytes) ?? writeOp(bytes).perform() }

  func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> { stream.whenWritableOp(attempt) }

  func close() { stream.close() }
}
