/// What a nursery does when a child fails.
package enum ScopePolicy: UInt8 {
  /// The first failure cancels the scope.
  case failFast
  /// Failures are kept; the siblings run on.
  case supervise
}

/// What kind of scope it is; fixed when it is opened.
package struct ScopeTraits {
  /// For a nursery: its name, which becomes part of the path.
  package var name = ""
  /// Where it was opened.
  package var site = SourceSite()
  /// Whether `goAsync` finds it as the ambient nursery.
  package var isNursery = false
  /// Whether the cancellation of the scopes around stays outside.
  package var isShielded = false
  package var policy = ScopePolicy.failFast
  /// How many children may run at once.
  package var limit = Int.max

  package init() {}

  package init(file: StaticString, line: UInt) {
    site = SourceSite(file: file, line: line)
  }
}
