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
    /// What the recorder had.
    package let recording: Recording?

    /// "fiber "parser" spawned at Main/Import.swift:12 has computed for 23 ms; 3 fibers that have begun wait ...".
    public var description: String {
      let place = (nurseryPath.isEmpty ? "" : " in \(nurseryPath)") + (site.isKnown ? ", spawned at \(site)," : "")
      let milliseconds = duration.nanosecondsClamped / 1_000_000
      return
        "\(fiber)\(place) has computed for \(milliseconds) ms; \(begunWaiting) fibers that have begun and \(freshWaiting) that have not wait behind it: call Fiber.yield() now and then, wrap a call that blocks its thread in blocking { }, or write placement: .spread"
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
