/// Cancels a scope at one of the blocking calls that are made while it is open, whichever fiber makes it.
final class CancellationInjection {
  private let call: Int
  private var scope: CancelScope?
  private var remaining = 0
  /// Whether the last run got as far as the call.
  private(set) var hasFired = false
  /// Whether any run did.
  private(set) var hasEverFired = false

  init(at call: Int) {
    self.call = call
  }

  /// Begins a run.
  func begin() {
    remaining = call
    hasFired = false
  }

  func arm(_ scope: CancelScope) { self.scope = scope }
  func disarm() { scope = nil }

  func willBlock() {
    guard let scope, !hasFired else { return }
    remaining -= 1
    guard remaining == 0 else { return }
    hasFired = true
    hasEverFired = true
    scope.cancel("injected")
  }
}
