extension Scheduler {
  /// A fiber that has computed, or sat in a system call, for longer than a time slice; see `Configuration.onStall`.
  public struct Stall: Sendable, CustomStringConvertible {
    /// Which fiber: its name or number.
    public let fiber: String
    /// The names of the nurseries around it.
    public let nurseryPath: String
    /// Where it was spawned.
    public let site: SourceSite
    /// How long it has run without a wait so far, to within a millisecond.
    public let duration: Duration
    /// How many fibers that have begun on its thread can run and wait for it.
    public let begunWaiting: Int
    /// How many fibers that have not begun are queued behind it; another worker takes them over if one is free.
    public let freshWaiting: Int
    /// What it was executing.
    let snapshot: RunningStack.Outcome
    /// What the recorder had.
    package let recording: Recording?

    /// What it was executing when the stall was found, the innermost function first: "Mill.grind(_:) at
    /// Shop/Mill.swift:40".
    ///
    /// The functions of the program, and before them the one that ran, if it was another: "memcpy of libc.so.6". Of a
    /// fiber that sleeps in a system call, the function that has made the call. Empty if the stack could not be taken, as
    /// the description says; in builds with a sanitizer; and on the thread of an event loop.
    ///
    /// The first question reads the program's debug information, which takes a tenth of a second or more.
    public var stack: [String] {
      guard case .taken(let stack) = snapshot else { return [] }
      return stack.text
    }

    /// "fiber "parser", spawned at Main/Import.swift:12, has computed for 23 ms; 3 fibers that have begun wait ...", and
    /// a line for each entry of `stack`.
    public var description: String {
      let place = (nurseryPath.isEmpty ? "" : " in \(nurseryPath)") + (site.isKnown ? ", spawned at \(site)," : "")
      let milliseconds = duration.nanosecondsClamped / 1_000_000
      return
        "\(fiber)\(place) has computed for \(milliseconds) ms; \(begunWaiting) fibers that have begun and \(freshWaiting) that have not wait behind it: call Fiber.yield() now and then, wrap a call that blocks its thread in blocking { }, or write placement: .spread\(stackText)"
    }

    private var stackText: String {
      switch snapshot {
      case .taken(let stack) where !stack.text.isEmpty:
        "\n  it was in " + stack.text.joined(separator: "\n  called by ")
      case .missing(let reason?): " (its stack is not known: \(reason))"
      default: ""
      }
    }
  }

  /// Fibers that share one worker while another sleeps; see `Configuration.onImbalance`.
  public struct Imbalance: Sendable, CustomStringConvertible {
    /// The line that has spawned them.
    public let site: SourceSite
    /// How many of them were waiting for the worker.
    public let fibers: Int
    /// How many workers there are.
    public let workers: Int

    /// "8 fibers spawned at Main/Pipeline.swift:31 share one of 4 workers; write placement: .spread, or
    /// nursery.workers".
    public var description: String {
      "\(fibers) fibers spawned at \(site) share one of \(workers) workers; write placement: .spread, or nursery.workers"
    }
  }
}
