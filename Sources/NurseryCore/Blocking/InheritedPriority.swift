/// The priority of the task that has opened the nursery a fiber is in: the tasks that the fiber starts get it.
package enum InheritedPriority {
  private static let local = FiberLocal<TaskPriority?>(nil)

  /// Nil for what tasks have where nothing is said.
  static var current: TaskPriority? { local.value }

  /// Runs `body`, and the fibers that it starts, on behalf of a task of this priority.
  package static func with<Result>(_ priority: TaskPriority, _ body: () throws -> Result) rethrows -> Result {
    if priority == .medium { return try body() }
    return try local.withValue(priority, body)
  }
}
