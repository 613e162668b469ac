/// What the fibers of a scheduler have done of late: which ran when and on which worker, what each waited for and who
/// woke it, the scopes, and the program's own spans and marks.
///
///     try runFibers(Configuration(recorder: .on())) {
///       // ...
///       try Scheduler.current?.trace()?.write(to: "trace.json")   // for https://ui.perfetto.dev
///     }
///
/// The recorder keeps the last events of each worker in a fixed part of memory, and costs some nanoseconds an event. A
/// trace is a copy of it; the fibers go on while it is taken. An error that reports a deadlock, and a `Stall`, have the
/// trace of their moment.
public struct Trace: Sendable {
  let recording: Recording

  init(_ recording: Recording) { self.recording = recording }

  /// On a fiber, the trace of its scheduler.
  ///
  /// Nil elsewhere, and if nothing has been recorded.
  public static func current() -> Trace? { Scheduler.current?.trace() }

  /// How many events it has.
  public var eventCount: Int { recording.tracks.reduce(0) { $0 + $1.events.count } }

  /// How many events have been overwritten because the recorder keeps only the last ones of each worker.
  public var lostEventCount: Int { recording.tracks.reduce(0) { $0 + $1.lost } }
}

extension Scheduler {
  /// What the recorder has: the last events of each worker, also when the run is over.
  ///
  /// Nil if nothing has been recorded; see `Configuration.recorder` and `startRecording`. Callable from any fiber or
  /// thread.
  public func trace() -> Trace? { takeRecording().map { Trace($0) } }
}

extension DeadlockError {
  /// What happened before the deadlock; nil if nothing was recorded.
  public var trace: Trace? { recording.map { Trace($0) } }
}

extension Scheduler.Stall {
  /// What happened before the stall was found; nil if nothing was recorded.
  public var trace: Trace? { recording.map { Trace($0) } }
}

extension Trace {
  /// Marks this moment of the calling fiber in the trace, if there is a recorder; else costs a few instructions.
  public static func mark(_ name: StaticString) { Performer.record(.mark, name) }

  /// Runs `body`, and shows in the trace when it began and ended on the calling fiber, waits included.
  ///
  /// Without a recorder it costs a few instructions.
  public static func withSpan<Result>(_ name: StaticString, _ body: () throws -> Result) rethrows -> Result {
    Performer.record(.spanBegan, name)
    defer { Performer.record(.spanEnded, name) }
    return try body()
  }
}
