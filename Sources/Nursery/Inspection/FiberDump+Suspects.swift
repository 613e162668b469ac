extension FiberDump {
  /// Fibers that wait for each other and for nothing else, while others may run: a deadlock in a part of the program.
  public struct Suspects: Sendable, CustomStringConvertible {
    /// The fibers, each waiting for the next and the last for the first.
    public let fibers: [Entry]
    /// The evidence: one line for each fiber.
    public let description: String
  }

  /// The circles of fibers that wait for each other alone: for a lock that the other holds, for its end, for children,
  /// for a turn.
  ///
  /// Only a cancellation could free them. A fiber that also waits for a timer, a descriptor or a channel, or that has a
  /// deadline, is not suspected, nor is one that is cancelled.
  public var suspects: [Suspects] {
    let tree = DumpTree(snapshot)
    let graph = WaitGraph(tree)
    let causes = snapshot.fibers.indices.map { graph.causes(of: $0) }
    let isStuck = stuck(causes, tree)
    var visits = [Int](repeating: -1, count: causes.count)
    var found: [Suspects] = []
    for start in causes.indices where isStuck[start] && visits[start] < 0 {
      // Along the first that is stuck as well; a walk that comes back to its own path has found a circle.
      var path: [Int] = []
      var next: Int? = start
      while let index = next, visits[index] < 0 {
        visits[index] = start
        path.append(index)
        next = causes[index].fibers.first { isStuck[$0] }
      }
      guard let first = next, visits[first] == start, let begin = path.firstIndex(of: first) else { continue }
      let circle = path[begin...]
      found.append(
        Suspects(
          fibers: circle.map { Entry(at: $0, tree) },
          description: circle.map { tree.sentence(about: $0) }.joined(separator: "\n")))
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
    var freed = causes.indices.filter { !isStuck[$0] }
    func isFree(_ index: Int) -> Bool {
      let fibers = causes[index].fibers
      return causes[index].needsAll ? !fibers.contains { isStuck[$0] } : fibers.contains { !isStuck[$0] }
    }
    while let index = freed.popLast() {
      for dependent in dependents[index] where isStuck[dependent] && isFree(dependent) {
        isStuck[dependent] = false
        freed.append(dependent)
      }
    }
    return isStuck
  }
}
