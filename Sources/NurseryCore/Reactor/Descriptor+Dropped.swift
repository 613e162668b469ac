import CSwitch

/// What is lost when the last reference to a stream goes, and its `deinit` closes it; see `Lint.Kind.droppedStream`.
///
/// A waiting call and an operation keep their stream, so no wait ends like that. What can be lost is what the other side
/// has sent already, or will.
extension Descriptor {
  /// Called by the `deinit` of a stream, before it closes the descriptor.
  ///
  /// - Parameter name: "the stream to 127.0.0.1:80".
  package func noteDropped(_ name: @autoclosure () -> String) {
    if isClosed { return }
    let reports = LintReports.current
    guard reports.areOn, !Performer.isCancelledHere else { return }
    var unread = 0
    _ = attempt(.none) { number in
      unread = Int(cs_unread(number))
      return 0
    }
    guard unread > 0 else { return }
    let (name, bytes) = (name(), unread)
    reports.reportLaterOnce(.droppedStream, StackFrames.ofCaller()) { line in
      "the last reference to \(name) went at \(line) with \(bytes) received bytes unread, and closed it: the other side, which still has it open, gets an error, and may lose what was written to it last; read to the end, or call close() where that is meant, in a defer if the stream is to live until then"
    }
  }
}

extension Performer {
  /// Whether the fiber that runs on this thread is cancelled, so that it drops what it has.
  fileprivate static var isCancelledHere: Bool {
    guard let worker = Worker.ofThisThreadIfAny else { return false }
    return worker.pointee.current.scope.pointee.isMarked
  }

  /// Called by the `deinit` of a writer that has bytes.
  package static func noteUnflushed(_ count: Int, _ stream: @autoclosure () -> String) {
    let reports = LintReports.current
    guard reports.areOn, !isCancelledHere else { return }
    let stream = stream()
    reports.reportLaterOnce(.unflushedWriter, StackFrames.ofCaller()) { line in
      "the last reference to a BufferedWriter to \(stream) went at \(line) with \(count) bytes that were not flushed, and are lost: call flush() before, or use withBufferedWriter, which flushes when its body returns, and drops the bytes if it throws"
    }
  }
}
