/// Scopes that end long after their cancellation are a lint.
///
/// When each was cancelled is kept apart from the scopes, which need not have room for it.
private enum Cancellations {
  /// How long what was cancelled may take to end.
  static let grace: Int64 = 5_000_000_000
  /// The instants of those of open scopes, by their addresses, in runs that look for lints.
  static let instants = Protected<[UInt: Int64]>([:])
}

extension ScopeRef {
  /// Where the lints go of the run that the scope belongs to.
  private var lints: LintReports? { pointee.scheduler?._withUnsafeGuaranteedRef { $0.settings.lints } }

  /// Called when this very scope has been cancelled, with the lock held.
  @inline(never)
  func noteCancelled() {
    guard lints?.areOn == true else { return }
    let now = now
    Cancellations.instants.withLock { $0[UInt(bitPattern: self)] = now }
  }

  /// When the scope, or the one around it whose cancellation it has, was cancelled; nil if that was not noted.
  var cancelledAt: Int64? {
    Cancellations.instants.withLock { instants in
      var scope: ScopeRef? = self
      while let one = scope, one.pointee.expiry.load(ordering: .relaxed) == .min {
        if let instant = instants[UInt(bitPattern: one)] { return instant }
        scope = one.pointee.links.parent
      }
      return nil
    }
  }

  /// Called on its host when it has been closed, and was cancelled itself or with an outer one.
  @inline(never)
  func lintLateEnd() {
    guard let reason = pointee.reason, let lints, lints.areOn else { return }
    let address = UInt(bitPattern: self)
    guard let since = Cancellations.instants.withLock({ $0.removeValue(forKey: address) }) else { return }
    let late = now - since
    guard late >= Cancellations.grace else { return }
    let what = pointee.nursery?.label ?? "a scope\(site.isKnown ? " opened at \(site)" : "")"
    lints.report(.ignoredCancellation, at: site.isKnown ? site.description : nil) { _ in
      "\(what) ended \(late / 1_000_000_000) s after it was cancelled (\(reason)): a fiber in it computed, where Fiber.checkCancellation() would end it, was in a blocking call without onCancel:, or waited in withShield, which withTimeout bounds"
    }
  }
}
