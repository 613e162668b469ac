import Synchronization

extension Trace {
  /// Writes the trace of each scheduler that records to a new file in this directory whenever the signal arrives, for
  /// the rest of the process's life.
  ///
  ///     try Trace.writeOnSignal(.user1, to: "/var/tmp")   // kill -USR1
  ///
  /// Names the file, "trace-1.json", or what is wrong, on standard error. A thread of its own waits for the signal, so
  /// the trace is written also when every worker computes. The signal does nothing else from now on.
  ///
  /// - Throws: `SystemError` if the signal cannot be caught, or if there is no descriptor or thread left.
  public static func writeOnSignal(_ signal: Signal, to directory: String) throws {
    let directory = System.absolutePath(directory)
    let files = FileNumber()
    try SignalWatch.start(signal.rawValue) {
      let recordings = Scheduler.takeRecordings()
      if recordings.isEmpty { System.writeToStandardError("nursery: no scheduler records, so there is no trace\n") }
      for recording in recordings {
        let path = "\(directory)/trace-\(files.next()).json"
        do {
          try TraceFile.writeHere(path) { sink in try Trace(recording).writeJSON(sink) }
          System.writeToStandardError("nursery: the trace is in \(path)\n")
        } catch {
          System.writeToStandardError("nursery: \(error)\n")
        }
      }
    }
  }

  private final class FileNumber: Sendable {
    private let last = Atomic<Int>(0)

    func next() -> Int { last.add(1, ordering: .relaxed).newValue }
  }
}
