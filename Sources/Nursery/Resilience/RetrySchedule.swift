/// How many times `retry` tries, and how long it pauses between two attempts.
public struct RetrySchedule: Sendable {
  /// How many attempts there are in total, the first included.
  public let attempts: Int
  private let jitter: Double
  private let fullPause: @Sendable (Int) -> Duration

  /// A schedule of your own.
  ///
  /// - Parameters:
  ///   - attempts: in total; less than 1 is a mistake that traps. `.max` for no limit.
  ///   - jitter: the part of a pause that is left to chance, from 0 to 1: with 0.25 a pause of 4 s takes 3 to 4 s.
  ///   - pause: the longest pause after an attempt, whose number counts from 1.
  public init(attempts: Int, jitter: Double = 0, pause: @escaping @Sendable (_ attempt: Int) -> Duration) {
    require(attempts >= 1, "RetrySchedule(attempts: \(attempts)): nothing would be tried; write 1 or more")
    require((0...1).contains(jitter), "RetrySchedule(jitter: \(jitter)): it is a part of a pause; write 0 to 1")
    self.attempts = attempts
    self.jitter = jitter
    fullPause = pause
  }

  /// The same pause after each attempt.
  public static func constant(_ pause: Duration, attempts: Int, jitter: Double = 0) -> RetrySchedule {
    RetrySchedule(attempts: attempts, jitter: jitter) { _ in pause }
  }

  /// Pauses that grow by a factor, up to a longest one.
  ///
  /// Half of each pause is left to chance by default, so that clients that failed together do not come back together.
  public static func exponential(
    from first: Duration = .milliseconds(100), factor: Double = 2, upTo longest: Duration = .seconds(30),
    attempts: Int, jitter: Double = 0.5
  ) -> RetrySchedule {
    require(factor >= 1, "RetrySchedule.exponential(factor: \(factor)): pauses must not shrink; write 1 or more")
    return RetrySchedule(attempts: attempts, jitter: jitter) { attempt in
      var pause = first
      for _ in 1..<attempt where pause < longest {
        // Compared before it is multiplied, so that no duration overflows.
        pause = pause > longest / factor ? longest : pause * factor
      }
      return min(pause, longest)
    }
  }

  /// How long to pause after an attempt that has failed, less what chance takes off.
  func pause(after attempt: Int) -> Duration {
    let pause = max(fullPause(attempt), .zero)
    guard jitter > 0 else { return pause }
    var random = FiberRandom()
    return pause * (1 - jitter * Double.random(in: 0..<1, using: &random))
  }
}
