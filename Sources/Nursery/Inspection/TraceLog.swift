/// Writes the trace of a scheduler to files while it runs, and removes the oldest: a continuous trace that takes a
/// bounded part of a disk.
///
///     let log = try Scheduler.current!.logTrace(to: "traces", limit: 256 << 20)
///     defer { try? log.close() }
///
/// A thread of its own takes what the recorder has whenever a quarter of a worker's ring is new, and writes it to the
/// next file: "trace-000001.json" and so on, each complete in itself. The files together never take more than the
/// limit. If the disk is full the log ends; the program goes on.
public final class TraceLog: Sendable {
  private let writer: Writer
  private let thread: PeriodicThread

  fileprivate init(_ writer: Writer) throws {
    self.writer = writer
    thread = try PeriodicThread("fibers-trace", every: .milliseconds(10)) { isLast in writer.write(isLast: isLast) }
  }

  deinit { thread.end() }

  /// Why the log has ended by itself: a `SystemError` if the disk is full, for example; nil while it is written.
  public var error: (any Error)? { writer.state.withLock { $0.error } }

  /// Writes what is recorded up to now, and ends the log.
  ///
  /// Blocks a plain thread, and only the calling fiber.
  ///
  /// - Throws: the error that has ended the log.
  public func close() throws {
    if Scheduler.current == nil { thread.end() } else { try withShield { try blocking { [thread] in thread.end() } } }
    if let error { throw error }
  }

  /// What the thread does.
  fileprivate final class Writer: @unchecked Sendable {
    struct State {
      var error: (any Error)?
    }

    private let scheduler: Scheduler
    private let directory: String
    private let limit: Int
    let state = Protected(State())
    // Touched by the thread alone.
    @exclusivity(unchecked) private var positions: [Int] = []
    @exclusivity(unchecked) private var number = 0
    @exclusivity(unchecked) private var files: [(path: String, size: Int)] = []

    init(_ scheduler: Scheduler, _ directory: String, _ limit: Int) {
      self.scheduler = scheduler
      self.directory = directory
      self.limit = limit
    }

    /// Writes the next file if that is worth it; false once the log has ended by an error.
    func write(isLast: Bool) -> Bool {
      guard let recorder = scheduler.recorder else { return true }
      let backlog = recorder.backlog(since: positions)
      guard backlog >= (isLast ? 1 : recorder.capacity / 4) else { return true }
      guard let recording = scheduler.takeRecording(since: &positions) else { return true }
      do {
        try write(Trace(recording))
        return true
      } catch {
        state.withLock { $0.error = error }
        return false
      }
    }

    private func write(_ trace: Trace) throws {
      number += 1
      let digits = "\(number)"
      let path = "\(directory)/trace-\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits).json"
      let size = try TraceFile.writeHere(path, makeRoom: makeRoom) { sink in try trace.writeJSON(sink) }
      files.append((path, size))
    }

    /// Removes the oldest files until one of this size fits in.
    private func makeRoom(_ size: Int) throws {
      guard size <= limit else {
        throw ConfigurationError(
          "a trace log of at most \(limit) bytes cannot hold one file of it; write a larger limit, or let the recorder keep fewer events"
        )
      }
      while let oldest = files.first, files.reduce(size, { $0 + $1.size }) > limit {
        _ = System.remove(oldest.path)
        files.removeFirst()
      }
    }
  }
}

extension Scheduler {
  /// Writes what is recorded to files in a directory from now on, which together take `limit` bytes at most; see
  /// `TraceLog`.
  ///
  /// Records if nothing is recorded yet. Give each run a directory of its own: files of the same names are replaced.
  ///
  /// - Throws: `ConfigurationError` if the limit is not positive; `SystemError` if no thread is available.
  public func logTrace(to directory: String, limit: Int) throws -> TraceLog {
    guard limit > 0 else {
      throw ConfigurationError(
        "a trace log of at most \(limit) bytes can hold nothing; write a limit such as 256 << 20")
    }
    startRecording()
    return try TraceLog(TraceLog.Writer(self, System.absolutePath(directory), limit))
  }
}
