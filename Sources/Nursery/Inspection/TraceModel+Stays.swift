extension TraceModel {
  /// What a fiber does for a while: it runs, waits, or can run and does not.
  struct Stay {
    enum State: Int {
      case runs, waits, canRun
    }

    let state: State
    let text: String
    let time: Range<Int64>
    /// Of a wait: for what; nil if that is not recorded.
    var object: String?
    /// Of a wait: who or what has ended it.
    var wokenBy: String?
    /// The worker, of a run; -1 else.
    var track = -1
    /// The wakeup that has ended the wait; -1 for none.
    var wake = -1
  }

  /// What a fiber has done from its spawn, or the beginning of the recording, to its end.
  func stays(of fiber: Int) -> [Stay] {
    var stays: [Stay] = []
    let life = life(of: fiber)
    var last = life.lowerBound
    func add(
      _ state: Stay.State, _ text: String, to end: Int64, for object: String? = nil, wokenBy: String? = nil,
      track: Int = -1, wake: Int = -1
    ) {
      let end = min(max(last, end), life.upperBound)
      if end > last || state != .canRun {
        stays.append(
          Stay(
            state: state, text: text, time: last..<end, object: object, wokenBy: wokenBy, track: track, wake: wake))
      }
      last = end
    }
    var before: Run?
    for index in fibers[fiber].runs {
      let run = runs[index]
      if before == nil, fibers[fiber].spawned == nil, run.wake >= 0 {
        // It waited when the recording began.
        add(.waits, "waits", to: wakes[run.wake].time, wokenBy: waker(run.wake), wake: run.wake)
      } else if before == nil, run.wake >= 0, wakes[run.wake].cause == .turn {
        add(
          .waits, "waits for its turn", to: wakes[run.wake].time, for: "its turn", wokenBy: waker(run.wake),
          wake: run.wake)
      } else if let before, before.departure == .waits || before.departure == .joins {
        let isKnown = run.wake >= 0
        let woken = isKnown ? max(before.end, wakes[run.wake].time) : run.begin
        add(
          .waits, wait(after: before), to: woken, for: object(after: before),
          wokenBy: isKnown ? waker(run.wake) : nil, wake: run.wake)
      }
      add(.canRun, "can run", to: run.begin)
      add(.runs, "runs on \(label(track: run.track))", to: run.end, track: run.track)
      before = run
    }
    switch before?.departure {
    case .waits, .joins:
      add(.waits, wait(after: before!), to: life.upperBound, for: object(after: before!))
    case .yields: add(.canRun, "can run", to: life.upperBound)
    case .ends, .idles, nil: break
    }
    if before == nil, fibers[fiber].spawned != nil { add(.canRun, "has not begun", to: life.upperBound) }
    return stays
  }

  /// Who or what has woken a fiber.
  func waker(_ index: Int) -> String {
    let wake = wakes[index]
    switch wake.cause {
    case nil: return wake.waker < 0 ? "its spawn" : "its spawn by \(label(wake.waker))"
    case .timer: return "a timer"
    case .turn: return "its turn"
    case .cancellation: return wake.waker < 0 ? "a cancellation" : "a cancellation by \(label(wake.waker))"
    case .outside: return "what the worker found outside: a descriptor, a deadline, another thread"
    case .fiber: return wake.waker < 0 ? "another thread" : label(wake.waker)
    }
  }
}
