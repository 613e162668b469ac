/// Tasks that were committed under a lock, linked through their records, on their way to be resumed.
///
/// Resuming a task calls its executor, which may be user code and may call anything of this library. So no lock is held
/// meanwhile: a thread that commits tasks under a lock collects them, and resumes them when it has unlocked.
@usableFromInline
package struct WokenTasks {
  /// The last in a ring, in which the first one follows it: a single word, which is nearly always nil.
  private var last: FiberRef?

  package init() {}

  /// Adds the performer, which the caller has committed, if it is a task; makes any other ready at once.
  @inline(__always)
  mutating func makeReady(_ performer: FiberRef, _ turn: Turn) {
    if performer.pointee.kind == .task { append(performer) } else { performer.makeReadyInline(turn) }
  }

  private mutating func append(_ task: FiberRef) {
    task.pointee.next = last?.pointee.next ?? task
    last?.pointee.next = task
    last = task
  }

  /// Resumes them; no lock is held.
  @inline(__always)
  package func resume() {
    if let last { Self.forEach(last, TaskPerformer.wake) }
  }

  /// Lets the helper thread resume them: the caller holds another lock.
  @inline(__always)
  func resumeElsewhere() {
    if let last { Self.forEach(last, OutsideThread.post) }
  }

  @inline(never)
  private static func forEach(_ last: FiberRef, _ body: (FiberRef) -> Void) {
    var rest = last.pointee.next!
    while rest != last {
      let task = rest
      // Before the call: after it the record may be another task's.
      rest = task.pointee.next!
      body(task)
    }
    body(last)
  }
}
