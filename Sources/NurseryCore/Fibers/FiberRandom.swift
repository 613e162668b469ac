/// Random numbers of the calling fiber's scheduler, which its seed determines.
///
///     var random = FiberRandom()
///     let jitter = Double.random(in: 0..<1, using: &random)
///
/// With one worker the same seed gives the same numbers; with several the order in which fibers ask decides, too. Not
/// for secrets.
public struct FiberRandom: RandomNumberGenerator, Sendable {
  /// Creates a generator; all of them draw from the scheduler's numbers.
  public init() {}

  /// The next number.
  public mutating func next() -> UInt64 { Performer.current().pointee.worker.pointee.numbers.nextRandom() }
}
