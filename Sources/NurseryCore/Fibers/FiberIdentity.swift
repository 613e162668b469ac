/// Which fiber it is: for logs and messages.
public struct FiberIdentity: Sendable, Hashable, Identifiable, CustomStringConvertible {
  /// A number that no other fiber of this process has; zero for a root fiber.
  public let id: UInt64
  /// The name given when it was spawned.
  public let name: String?
  /// The names of the nurseries around it: "server/connections".
  public let nurseryPath: String

  package init?(_ record: FiberRef) {
    guard record.runsOnScheduler else { return nil }
    id = record.id
    name = record.name
    nurseryPath = record.scope.path
  }

  /// "fiber \"reader\" in server/connections".
  public var description: String {
    let label = name.map { "fiber \"\($0)\"" } ?? (id == 0 ? "the root fiber" : "fiber #\(id)")
    return nurseryPath.isEmpty ? label : "\(label) in \(nurseryPath)"
  }
}
