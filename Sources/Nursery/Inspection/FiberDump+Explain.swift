extension FiberDump {
  /// Why a fiber waits: the chain of waits from it to what the last ones wait for.
  public struct Explanation: Sendable, CustomStringConvertible {
    /// Whether the chain comes back to a fiber that is in it: these fibers wait for each other.
    public let isCycle: Bool
    /// One line for each fiber; what it waits for is indented below it.
    public let description: String
  }

  /// Why this fiber waits; nil if it is not in the dump.
  public func explain(_ fiber: Fiber<some Sendable>) -> Explanation? {
    snapshot.fibers.firstIndex { $0.kind == .fiber && $0.performer.number == fiber.id }.map { explain(at: $0) }
  }

  /// Why the fiber of this entry, of this dump, waits.
  public func explain(_ entry: Entry) -> Explanation { explain(at: entry.index) }

  private static var mostChildren: Int { 5 }
  private static var mostLines: Int { 100 }

  private func explain(at index: Int) -> Explanation {
    let tree = DumpTree(snapshot)
    let graph = WaitGraph(tree)
    var lines: [String] = []
    var isCycle = false
    var seen: Set<Int> = []
    // The fibers from the first to the one that is explained.
    var path: [Int] = []
    var pending = [(index: index, depth: 0)]
    while let (fiber, depth) = pending.popLast(), lines.count < Self.mostLines {
      path.removeSubrange(depth...)
      let indentation = String(repeating: "  ", count: min(depth, 30))
      if fiber < 0 {
        lines.append("\(indentation)and \(-fiber) more")
      } else if path.contains(fiber) {
        isCycle = true
        lines.append("\(indentation)\(tree.label(fiber)) again: a cycle, none of them goes on before another")
      } else {
        path.append(fiber)
        let isNew = seen.insert(fiber).inserted
        lines.append("\(indentation)\(tree.sentence(about: fiber))\(isNew ? "" : ", as above")")
        let causes = isNew ? graph.causes(of: fiber).fibers : []
        // One that waits in turn says more than one that runs.
        let ordered = causes.sorted { tree.isWaiting($0) && !tree.isWaiting($1) }
        if causes.count > Self.mostChildren { pending.append((Self.mostChildren - causes.count, depth + 1)) }
        pending += ordered.prefix(Self.mostChildren).reversed().map { ($0, depth + 1) }
      }
    }
    return Explanation(isCycle: isCycle, description: lines.joined(separator: "\n"))
  }
}

extension DumpTree {
  /// "fiber "a" spawned at Main/A.swift:3 has waited 2 s at Main/A.swift:5: a FiberMutex, held by ...".
  func sentence(about index: Int) -> String {
    let fiber = snapshot.fibers[index]
    var words = label(index)
    if fiber.site.line > 0 { words += " spawned at \(fiber.site)" }
    switch fiber.state {
    case .running: return words + " runs"
    case .ready: return words + " can run, and waits for its worker"
    case .awaitingTurn: return words + " waits for \(waits(of: fiber, isExact: true))"
    case .waiting, .joining:
      words += " has waited \((waited(fiber) ?? .zero).inWords)"
      if let line = line(of: fiber) { words += " at \(line)" }
      return words + ": \(waits(of: fiber, isExact: true))\(locals(of: fiber))"
    }
  }

  func isWaiting(_ index: Int) -> Bool {
    let state = snapshot.fibers[index].state
    return state != .running && state != .ready
  }
}
