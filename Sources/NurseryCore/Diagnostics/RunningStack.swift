import CSwitch

/// What a fiber was executing when it was found to hold its worker.
///
/// A signal to the worker's thread takes it, so only threads that have admitted the signal have one: those of runs in
/// which a stall may be reported. The addresses become text when that is asked for, because the first one reads the
/// program's debug information.
final class RunningStack: Sendable {
  private let sample: System.Sample
  private let known = Protected<[String]?>(nil)

  private init(_ sample: System.Sample) { self.sample = sample }

  /// The functions that the user knows, the innermost first, with their lines.
  var text: [String] {
    if let text = known.withLock({ $0 }) { return text }
    let text = SourceLines.functions(of: sample)
    known.withLock { $0 = text }
    return text
  }

  enum Outcome: Sendable {
    case taken(RunningStack)
    /// Why there is none; nil for a sanitizer's build, another system, or the thread of an event loop.
    case missing(String?)
  }

  /// Takes that of a fiber which runs on a worker since the worker's switch number `switches`.
  static func take(of fiber: FiberRef, on worker: WorkerRef, sinceSwitch switches: Int) -> Outcome {
    let task = worker.pointee.place.task.load(ordering: .acquiring)
    guard task != 0, worker.admitsSamples, SourceLines.isAvailable else { return .missing(nil) }
    let running = withUnsafePointer(to: worker.pointee.running) { UnsafeRawPointer($0) }
    let counter = withUnsafePointer(to: worker.pointee.counters.switches) { UnsafeRawPointer($0) }
    func look() throws(System.Sample.Failure) -> System.Sample {
      try System.Sample(thread: worker.pointee.place.thread, task: task, marks: (running, counter))
    }
    do {
      var sample = try look()
      // A worker notes the fiber just before it changes stacks. So a first look at another stack may be at the fiber
      // before; the second is at a coroutine's.
      let own = UInt(bitPattern: fiber.pointee.stack)
      if !FaultReporter.isOneStack(own, sample.stackPointer) {
        System.Sample.pause()
        sample = try look()
      }
      guard sample.marks == (UInt(bitPattern: fiber), UInt(bitPattern: switches)) else {
        return .missing("the fiber had gone on")
      }
      return .taken(RunningStack(sample))
    } catch {
      switch error {
      case .isBlocked: return .missing("its thread blocks signal \(cs_sample_signal_in_use()), which would show it")
      case .isLate: return .missing("its thread did not get a processor")
      case .isUnavailable: return .missing(nil)
      }
    }
  }
}
