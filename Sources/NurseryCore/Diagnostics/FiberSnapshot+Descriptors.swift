extension FiberSnapshot {
  /// Where a descriptor that is waited for leads, as the kernel tells.
  package enum Target: Sendable {
    case socket(local: RawAddress, peer: RawAddress?)
    /// A path, or "pipe:[4711]" and the like.
    case file(String)
    case unknown

    init(of descriptor: Int32) {
      if let local = System.localAddress(descriptor) {
        self = .socket(local: local, peer: System.peerAddress(descriptor))
      } else {
        self = System.name(of: descriptor).map { .file($0) } ?? .unknown
      }
    }
  }

  /// Of so many descriptors the targets are asked for.
  private static let mostTargets = 10_000

  /// Asks the kernel where the descriptors lead that are waited for.
  ///
  /// Holds up no fiber. So a descriptor may have been closed, and its number be another's, since the wait was read:
  /// then the answer is wrong, or there is none.
  mutating func takeTargets() {
    for wait in waits {
      guard case .descriptor(let number) = wait.waker, targets[number] == nil else { continue }
      if targets.count == Self.mostTargets { return }
      targets[number] = Target(of: number)
    }
  }
}
