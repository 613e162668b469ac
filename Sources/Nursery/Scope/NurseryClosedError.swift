/// A nursery was asked for something when it had closed, or was closing: its children and daemons had ended.
public struct NurseryClosedError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The names of the enclosing nurseries and the closed one: "server/connections"; empty if none has a name.
  public let nursery: String
  /// The line that opened the nursery.
  public let site: SourceSite

  init(_ nursery: NurseryRef) {
    self.nursery = nursery.path
    site = nursery.scope.site
  }

  /// The nursery, and what to write.
  public var description: String {
    let name = nursery.isEmpty ? "a nursery" : "nursery \"\(nursery)\""
    return
      "\(name), opened at \(site), has closed and does nothing any more; ask it while its body or a child of it still runs"
  }
}
