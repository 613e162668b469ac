extension Scheduler {
  /// What became of a request to cancel nurseries by name.
  package struct NamedCancellation: Sendable {
    /// "nursery "orders" opened at Shop/Main.swift:12" of those that were found, a line each.
    package internal(set) var found: [String] = []
    package internal(set) var isDone = false
  }

  /// Cancels the outermost nurseries that `isMeant` accepts by their path and line: the only one, or each if
  /// `cancelsAll`.
  ///
  /// The caller keeps the run from ending meanwhile. A nursery inside a found one is cancelled with it, and is not
  /// listed.
  package func cancelNurseries(
    _ reason: CancellationReason, cancelsAll: Bool, where isMeant: (_ path: String, _ site: SourceSite) -> Bool
  ) -> NamedCancellation {
    var result = NamedCancellation()
    guard let rootScope else { return result }
    rootScope.withLock {
      rootScope.visitMeant(isMeant) { result.found.append($0.label) }
      guard result.found.count == 1 || cancelsAll else { return }
      result.isDone = !result.found.isEmpty
      rootScope.visitMeant(isMeant) { $0.scope.cancelUnderLock(reason) }
    }
    return result
  }
}

extension ScopeRef {
  /// Visits the outermost nurseries that are meant and open, each with its scope's lock held; the caller holds this
  /// scope's.
  fileprivate func visitMeant(_ isMeant: (String, SourceSite) -> Bool, _ visit: (NurseryRef) -> Void) {
    visitInside { scope in
      // Daemons are cancelled by their nursery.
      guard let nursery = scope.pointee.nursery, nursery.pointee.traits.isAmbient, scope.pointee.opener != nil,
        scope.pointee.reason == nil, isMeant(nursery.path, scope.site)
      else { return true }
      visit(nursery)
      return false
    }
  }
}
