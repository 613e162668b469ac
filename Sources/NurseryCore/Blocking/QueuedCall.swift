/// A call that waited for a thread for longer than it ran.
struct QueuedCall {
  private let reports: LintReports
  private let frames: [UInt]
  private let waited: Int64
  private let ran: Int64
  private let threads: Int

  /// Nil if it has not waited for so long; called under the pool's lock, which keeps the performer parked.
  init?(_ job: BlockingJob, _ threads: Int, atLeast shortest: Int64) {
    waited = job.observation.begunAt - job.observation.queuedAt
    ran = System.monotonicNow() - job.observation.begunAt
    guard waited > ran, waited >= shortest, let performer = job.offer?.pointee.performer else { return nil }
    reports = .of(performer)
    guard reports.areOn else { return nil }
    frames = StackWalk.frames(of: performer)
    self.threads = threads
  }

  func report() {
    let (waited, ran) = (waited / 1_000_000, ran / 1_000_000)
    reports.report(.queuedBlockingCall, at: SourceLines.line(of: frames)) { line in
      "a blocking call at \(line) waited \(waited) ms for one of the pool's \(threads) threads and ran for \(ran) ms: let fewer fibers call it at once (withNursery(limit:)), or raise BlockingPool.shared.limit"
    }
  }
}
