import CSwitch

/// Waiting on a thread, for about as long as it takes to let the thread sleep and wake it.
///
/// A wait that then sleeps has cost at most twice what the better of the two costs (Karlin et al., "Competitive
/// randomized algorithms for nonuniform problems", 1990).
enum Spinning {
  /// Where nothing can happen meanwhile, the processor is given up instead.
  private static let isAlone = System.processorCount == 1

  /// Whether `isDone` becomes true in time.
  static func wait(nanoseconds: Int64, _ isDone: () -> Bool) -> Bool {
    if isDone() { return true }
    if isAlone {
      cs_thread_yield()
      return isDone()
    }
    let end = System.monotonicNow() + nanoseconds
    repeat {
      for _ in 0..<16 {
        if isDone() { return true }
        cs_pause()
      }
      // The other thread may wait for this processor.
      cs_thread_yield()
    } while System.monotonicNow() < end
    return isDone()
  }
}
