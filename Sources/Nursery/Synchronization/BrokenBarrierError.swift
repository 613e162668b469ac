/// A party of a `Barrier` was cancelled, so that all others would wait for ever.
public struct BrokenBarrierError: Error, Hashable, Sendable, CustomStringConvertible {
  init() {}

  /// What has happened, and what to write.
  public var description: String {
    "a wait at a Barrier was cancelled, so its parties never meet; let all of them begin anew after reset(), or bound the wait by orTimeout(after:), which breaks nothing"
  }
}
