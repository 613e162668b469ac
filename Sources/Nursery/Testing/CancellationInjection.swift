/// Cancels a scope at one of the blocking calls that any fiber makes while the scope is open.
final class CancellationInjection {
  private let call: Int
  private var scope: CancelScope?
  private var remaining = 0
  /// Whether the last run reached the call.
  private(set) var hasFired = false
  /// Whether any run reached it.
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
