/// Writes everything that `source` delivers to `destination`, up to its end: how many bytes that were.
///
///     try withNursery { nursery in                       // a proxy
///       nursery.goAsync { try copy(from: client, to: server) }
///       try copy(from: server, to: client)
///     }
///
/// Takes 64 KiB while there is something to pass on, and nothing while it waits for the source. Closes neither stream.
/// A cancellation point.
///
/// - Parameters:
///   - limit: how many bytes to copy at most; no more are read from `source`. Nil for all.
///   - progress: called with the number of bytes written so far, whenever there are more. If the copy throws, the last
///     call has told how
///     many went over.
/// - Throws: what the streams or `progress` throw; `CancellationError` if the current scope is cancelled. What had been
///   read and not been written is lost then: close the streams, or copy from a `BufferedReader`, which keeps it.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func copy(
  from source: any ReadableStream, to destination: any WritableStream, limit: Int? = nil,
  progress: ((_ count: Int) throws -> Void)? = nil
) throws -> Int {
  let reader = BufferedReader(source, capacity: 65_536)
  return try copy(from: reader, to: destination, limit: limit, readsAhead: false, progress: progress)
}

/// Writes everything that a reader delivers to `destination`, up to the end: how many bytes that were.
///
/// Closes neither stream. A cancellation point. If it throws, what has not been written is still there to be read, and
/// copying can go on.
///
/// - Parameters:
///   - limit: how many bytes to copy at most; nil for all.
///   - progress: called with the number of bytes written so far, whenever there are more. If the copy throws, the last
///     call has told how
///     many went over.
/// - Throws: what the streams or `progress` throw; `CancellationError` if the current scope is cancelled.
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
