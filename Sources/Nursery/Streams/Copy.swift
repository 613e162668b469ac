/// Copies all bytes of `source`, up to its end, to `destination`: returns their number.
///
///     try withNursery { nursery in                       // a proxy
///       nursery.goAsync { try copy(from: client, to: server) }
///       try copy(from: server, to: client)
///     }
///
/// Takes 64 KiB of memory while it passes bytes on, and none while it waits for the source. Closes neither stream. A
/// cancellation point.
///
/// - Parameters:
///   - limit: how many bytes to copy at most; no more are read from `source`. Nil for all.
///   - progress: called with the number of bytes written so far, whenever there are more. If the copy throws, the last
///     call has reported how many were copied.
/// - Throws: errors of the streams and of `progress`; `CancellationError` if the current scope is cancelled. Then bytes
///   that were read and not written are lost: close the streams, or copy from a `BufferedReader`, which keeps them.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func copy(
  from source: any ReadableStream, to destination: any WritableStream, limit: Int? = nil,
  progress: ((_ count: Int) throws -> Void)? = nil
) throws -> Int {
  let reader = BufferedReader(source, capacity: 65_536)
  return try copy(from: reader, to: destination, limit: limit, readsAhead: false, progress: progress)
}

/// Copies all bytes of a reader, up to the end, to `destination`: returns their number.
///
/// Closes neither stream. A cancellation point. If it throws, bytes that have not been written can still be read from
/// the reader, so copying can go on.
///
/// - Parameters:
///   - limit: how many bytes to copy at most; nil for all.
///   - progress: called with the number of bytes written so far, whenever there are more. If the copy throws, the last
///     call has reported how many were copied.
/// - Throws: errors of the streams and of `progress`; `CancellationError` if the current scope is cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func copy(
  from source: BufferedReader, to destination: any WritableStream, limit: Int? = nil,
  progress: ((_ count: Int) throws -> Void)? = nil
) throws -> Int {
  try copy(from: source, to: destination, limit: limit, readsAhead: true, progress: progress)
}

private func copy(
  from reader: BufferedReader, to destination: any WritableStream, limit: Int?, readsAhead: Bool,
  progress: ((_ count: Int) throws -> Void)?
) throws -> Int {
  if let limit, limit < 0 { fatalError("\(limit) bytes cannot be copied; write a limit of at least 0, or nil for all") }
  if Performer.enter().isCancelled { throw CancellationError() }
  try reader.throwFailure()
  let limit = limit ?? .max
  var copied = 0
  while copied < limit {
    if reader.bufferedCount == 0 {
      let found = try readsAhead ? reader.waitForMore() : reader.waitForMore(limit - copied)
      if found == 0 { break }
    }
    let bytes = UnsafeRawBufferPointer(rebasing: reader.queue.bytes.prefix(limit - copied))
    guard !bytes.isEmpty else { continue }
    let written = try destination.write(bytes)
    reader.drop(written)
    copied += written
    try progress?(copied)
  }
  return copied
}
