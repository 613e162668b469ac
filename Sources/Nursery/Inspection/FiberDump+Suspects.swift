extension FiberDump {
  /// Fibers that nothing else wakes, while others may run: a deadlock in a part of the program.
  ///
  /// They wait for each other and for nothing else, or it is one fiber, which waits for a channel or condition that nothing
  /// else refers to.
  public struct Suspects: Sendable, CustomStringConvertible {
    /// The fibers, each waiting for the next and the last for the first; or the one.
    public let fibers: [Entry]
    /// The evidence: one line for each fiber.
    public let description: String
  }

  /// The fibers that only a cancellation could free: circles of those that wait for each other alone (for a lock that
  /// the other holds, for its end, for children, for a turn), and leaked ones.
  ///
  /// A leaked fiber waits in `send`, `receive` or a `for` loop of a channel, or for a condition, to which nothing refers any
  /// more but closures of fibers that wait for it, so nothing can wake it. This is found by the count of references: a
  /// fiber's own is that which its closure has captured. If a variable elsewhere still refers to the channel, also one of
  /// a caller that waits in `withNursery`, the fiber is not suspected.
  ///
  /// A fiber that also waits for a timer or a descriptor, or that has a deadline, is not suspected, nor is one that is
  /// cancelled, nor a daemon that waits for a channel, which the end of the others cancels.
  public var suspects: [Suspects] {
    let tree = DumpTree(snapshot)
    let graph = WaitGraph(tree)
    let causes = snapshot.fibers.indices.map { graph.causes(of: $0) }
    let isStuck = stuck(causes, tree)
    var visits = [Int](repeating: -1, count: causes.count)
    var found: [Suspects] = []
    for start in causes.indices where isStuck[start] && visits[start] < 0 {
      // Along the first that is stuck as well; a walk that comes back to its own path has found a circle, and one that
      // ends has found a fiber that waits for no other.
      var path: [Int] = []
      var next: Int? = start
      while let index = next, visits[index] < 0 {
        visits[index] = start
        path.append(index)
        next = causes[index].fibers.first { isStuck[$0] }
      }
      if let first = next {
        guard visits[first] == start, let begin = path.firstIndex(of: first) else { continue }
        let circle = path[begin...]
        found.append(
          Suspects(
            fibers: circle.map { Entry(at: $0, tree) },
            description: circle.map { tree.sentence(about: $0) }.joined(separator: "\n")))
      } else if let last = path.last, graph.waitsOutOfReach(last) {
        found.append(
          Suspects(
            fibers: [Entry(at: last, tree)],
            description: "\(tree.sentence(about: last)), to which nothing else refers"))
      }
    }
    return found
  }

  /// The fibers that nothing can wake which is not one of them: what is left when those have gone that can be woken.
  private func stuck(_ causes: [WaitGraph.Causes], _ tree: DumpTree) -> [Bool] {
    var isStuck = causes.indices.map { index in
      let fiber = snapshot.fibers[index]
      return !causes[index].areOthers && tree.deadline(of: fiber) == nil && tree.cancellation(of: fiber) == nil
    }
    var dependents = [[Int]](repeating: [], count: causes.count)
    for index in causes.indices { for cause in causes[index].fibers { dependents[cause].append(index) } }
    // How many of the fibers that one waits for have to be freed yet.
    var remaining = causes.map { $0.needsAll ? $0.fibers.count : 1 }
    var freed = causes.indices.filter { !isStuck[$0] }
    while let index = freed.popLast() {
      for dependent in dependents[index] where isStuck[dependent] {
        remaining[dependent] -= 1
        if remaining[dependent] > 0 { continue }
        isStuck[dependent] = false
        freed.append(dependent)
      }
    }
    return isStuck
  }
}
