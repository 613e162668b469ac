import Nursery

/// A stream that calls a closure whenever bytes have been read from it.
final class HeardStream: ReadableStream {
  private let stream: any ReadableStream
  private let hear: @Sendable () -> Void

  init(_ stream: any ReadableStream, hear: @escaping @Sendable () -> Void) {
    self.stream = stream
    self.hear = hear
  }

  func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    let count = try stream.tryRead(into: buffer)
    if let count, count > 0 { hear() }
    return count
  }

  func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> { stream.whenReadableOp(attempt) }

  func close() { stream.close() }
}
