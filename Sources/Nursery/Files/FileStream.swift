import NurseryCore
import Synchronization

/// A file: bytes that are read and written at a position, or anywhere.
///
///     let log = try FileStream("server.log", .append, [.create])
///     try log.writeAll("started\n")
///
/// Never blocks a worker. What is in memory is read at once; whatever may have to wait for a device is done by a thread
/// of the blocking pool (see `blocking`), while the fiber is parked. A read that is cancelled has read nothing: the
/// position has not moved. A write either has not begun when its call throws `CancellationError`, or is finished, and
/// then the call returns.
///
/// The position is the stream's own; it does not move for calls with `at:`. One fiber at a time uses the position.
/// Devices, terminals and FIFOs have none (`isSeekable`); they are read and written as a `PipeStream` is, and take no
/// thread of the pool.
///
/// It belongs to the nursery in which it was opened, which closes it when all its fibers have ended; it is closed
/// earlier by `close()`, or with the last reference to it.
public final class FileStream: ReadableStream, WritableStream, CustomStringConvertible, @unchecked Sendable {
  /// What a file is opened for.
  public enum Access: Sendable {
    /// Reading.
    case read
    /// Writing; from the beginning, unless the position is moved.
    case write
    /// Both, with one position.
    case readWrite
    /// Writes at the current end of the file; each write stays whole even if others append.
    case append
  }

  /// What to do about the file that is there, or is not.
  public struct Options: OptionSet, Sendable {
    /// The bits.
    public let rawValue: Int

    /// Creates options from their bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Create the file if it is not there.
    public static let create = Options(rawValue: 1)
    /// With `create`: fail if it is there.
    public static let exclusive = Options(rawValue: 2)
    /// Throw away what it contains.
    public static let truncate = Options(rawValue: 4)
  }

  /// Where it was found.
  public let path: String
  /// Whether it has positions and a size, as regular files have.
  public let isSeekable: Bool

  let descriptor: Descriptor
  let isAppending: Bool
  /// Whether the calls say that they would block: a device or a FIFO, which needs no thread of the pool.
  let isNonblocking: Bool
  let lock = SpinLock(.object)
  /// Where the next read or write takes place; under the lock, as all that follows.
  @exclusivity(unchecked) var currentPosition: Int64
  /// What a thread of the pool has read ahead of a position.
  @exclusivity(unchecked) var fetched: Fetched?
  @exclusivity(unchecked) var isFetching = false
  /// How often the contents have been changed through this stream: what was read before is no good then.
  @exclusivity(unchecked) var changes = 0
  @exclusivity(unchecked) var isWriting = false
  /// Why the last write that a thread of the pool was given has failed, until it has been thrown.
  @exclusivity(unchecked) var writeError: (any Error)?
  /// Whether the kernel can be asked for what takes no waiting.
  let canReadNow = Atomic<Bool>(true)
  let canWriteNow = Atomic<Bool>(true)
  /// What is read or written at a time: by a fiber itself it holds up the worker, by a thread of the pool it takes
  /// memory.
  static let mostAtOnce = 1 << 20
  /// Whether nothing has come from a FIFO yet, so that it may not have had a writer.
  let mayLackWriter: Atomic<Bool>

  /// - Parameter isForAll: whether it belongs to no nursery.
  init(_ opened: OpenedFile, isForAll: Bool = false) {
    path = opened.path
    isSeekable = opened.status.isSeekable
    isAppending = opened.isAppending
    isNonblocking = opened.isNonblocking
    mayLackWriter = Atomic(opened.status.isFIFO)
    currentPosition = isAppending && isSeekable ? opened.status.size : 0
    descriptor = Descriptor(adopting: opened.take(), isForAll: isForAll)
  }

  deinit {
    close()
    if let writeError = withLock({ self.writeError }) { Scheduler.reportSuppressed(writeError) }
  }

  /// Closes the file.
  ///
  /// Pending calls throw `StreamClosedError`.
  ///
  /// Never blocks. What has been written, or accepted by `tryWrite`, stays; to know that it has reached the device call
  /// `sync()` before. Closing it again does nothing.
  public func close() { descriptor.close() }

  /// Whether it has been closed here.
  public var isClosed: Bool { descriptor.isClosed }

  /// The descriptor's number, for calls that only the system offers; the stream closes it.
  ///
  /// It is -1 once the stream is closed.
  public var fileDescriptor: Int32 { descriptor.openNumber }

  /// "the file /etc/hosts".
  public var description: String { "the file \(path)" }

  func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body()
  }
}
