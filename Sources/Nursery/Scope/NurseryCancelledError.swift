/// A nursery was cancelled, not by an enclosing scope, before its body had returned the value that `withNursery` must
/// return.
///
/// A nursery absorbs its own cancellation. If the result is `Void`, `withNursery` returns. If a value is due and the
/// cancellation ended the body, no value exists, and `withNursery` throws this error. It is a failure like any other:
/// it fails the enclosing nursery.
public struct NurseryCancelledError: Error, Hashable, CustomStringConvertible {
  /// The names of the enclosing nurseries and the cancelled one: "server/connections"; empty if none has a name.
  public let nursery: String
  /// The line that opened the nursery.
  public let site: SourceSite
  /// Why it was cancelled.
  public let reason: CancellationReason

  init(_ nursery: NurseryRef, _ reason: CancellationReason) {
    self.nursery = nursery.path
    site = nursery.scope.site
    self.reason = reason
  }

  /// The nursery, the reason, and what to write.
  public var description: String {
    let name = nursery.isEmpty ? "a nursery" : "nursery \"\(nursery)\""
    return
      "\(name), opened at \(site), was cancelled before its body had returned a value (\(reason)); "
      + "catch CancellationError in the body and return one, or let the body return nothing"
  }
}
