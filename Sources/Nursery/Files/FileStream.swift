import NurseryCore
import Synchronization

/// A file: bytes that are read and written at a position, or anywhere.
///
///     let log = try FileStream("server.log", .append, [.create])
///     try log.writeAll("started\n")
///
/// Never blocks a worker. Cached bytes are read at once. If a call may have to wait for a device, a thread of the
/// blocking pool (see `blocking`) makes it while the fiber is parked. A cancelled read has read nothing and has not
/// moved the position. A write that has begun is finished, and its call returns; one that throws `CancellationError`
/// has not begun.
///
/// The position is the stream's own; it does not move for calls with `at:`. One fiber at a time uses the position.
/// Devices, terminals and FIFOs have none (`isSeekable`); they are read and written as a `PipeStream` is, and take no
/// thread of the pool.
///
/// It belongs to the nursery in which it was opened. The nursery closes it when all its fibers have ended; `close()`,
/// or the release of the last reference, closes it earlier.
public final class FileStream: ReadableStream, WritableStream, CustomStringConvertible, @unchecked Sendable {
  /// The purpose for which a file is opened.
  public enum Access: Sendable {
    /// Reading.
    case read
    /// Writing; from the beginning, unless the position is moved.
    case write
    /// Both, with one position.
    case readWrite
    /// Writes at the current end of the file. Each write stays whole even if others append.
    case append
  }

  /// How to treat an existing or a missing file.
  public struct Options: OptionSet, Sendable {
    /// The bits.
    public let rawValue: Int

    /// Creates options from their bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Create the file if it does not exist.
    public static let create = Options(rawValue: 1)
    /// With `create`: fail if the file exists.
    public static let exclusive = Options(rawValue: 2)
    /// Discard its contents.
    public static let truncate = Options(rawValue: 4)
  }

  /// The path with which it was opened.
  public let path: String
  /// Whether it has positions and a size, as regular files have.
  public let isSeekable: Bool

  let descriptor: Descriptor
  let isAppending: Bool
  /// Whether calls report would-block.
  ///
  /// True for a device or a FIFO, which needs no thread of the pool.
  let isNonblocking: Bool
  let lock = SpinLock(.object)
  /// The offset of the next read or write.
  ///
  /// Under the lock, as all fields below.
  @exclusivity(unchecked) var currentPosition: Int64
  /// The bytes that a thread of the pool has read ahead, and their position.
  @exclusivity(unchecked) var fetched: Fetched?
  @exclusivity(unchecked) var isFetching = false
  /// Counts changes of the contents through this stream; a change invalidates bytes that were read before.
  @exclusivity(unchecked) var changes = 0
  @exclusivity(unchecked) var isWriting = false
  /// The error of the pool's last write, until it has been thrown.
  @exclusivity(unchecked) var writeError: (any Error)?
  /// Whether the kernel can read without waiting (RWF_NOWAIT).
  let canReadNow = Atomic<Bool>(true)
  let canWriteNow = Atomic<Bool>(true)
  /// The most bytes in one system call.
  ///
  /// More would delay the worker if a fiber makes the call, and take memory if a thread of the pool does.
  static let mostAtOnce = 1 << 20
  /// Whether no byte has come from a FIFO yet, so that it may not have had a writer.
  let mayLackWriter: Atomic<Bool>

  /// - Parameter isForAll: if true, it belongs to no nursery.
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
  /// Never blocks. Bytes that have been written, or accepted by `tryWrite`, are not lost. To know that they have
  /// reached the device, call `sync()` before. Closing it again does nothing.
  public func close() { descriptor.close() }

  /// Whether it has been closed here.
  public var isClosed: Bool { descriptor.isClosed }

  /// The descriptor's number, for system calls that have no other form here.
  ///
  /// The stream closes it. It is -1 once the stream is closed.
  public var fileDescriptor: Int32 { descriptor.openNumber }

  /// "the file /etc/hosts".
  public var description: String { "the file \(path)" }

  func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
    try lock.withLock(body)
  }
}
