extension FiberDump {
  /// The dump for Graphviz: a box for each nursery, and arrows from each fiber to the fibers it waits for.
  ///
  ///     dot -Tsvg dump.dot > dump.svg
  ///
  /// Of more than a few hundred fibers no picture is of use: see `description`.
  public var dot: String {
    let tree = DumpTree(snapshot)
    var text = "digraph fibers {\n  rankdir=LR; node [shape=box];\n"
    // A scope's box is closed when those inside it are: -1 for a closing brace.
    var pending = snapshot.scopes.indices.filter { snapshot.scopes[$0].parent < 0 }.reversed().map { Int32($0) }
    while let index = pending.popLast() {
      guard index >= 0 else {
        text += "  }\n"
        continue
      }
      let scope = snapshot.scopes[Int(index)]
      let site = scope.site.line > 0 ? " \(scope.site)" : ""
      text += "  subgraph cluster_\(index) { label=\(Self.quoted("\(scope.kind) \(scope.path)\(site)"));\n"
      for fiber in tree.fibersOf[Int(index)] { text += Self.node(Int(fiber), tree) }
      pending.append(-1)
      pending += tree.childrenOf[Int(index)].reversed()
    }
    for index in snapshot.fibers.indices {
      if snapshot.fibers[index].home < 0 { text += Self.node(index, tree) }
      for cause in WaitGraph(tree).causes(of: index).fibers {
        text += "  f\(index) -> f\(cause);\n"
      }
    }
    return text + "}\n"
  }

  private static func node(_ index: Int, _ tree: DumpTree) -> String {
    let fiber = tree.snapshot.fibers[index]
    var label = tree.label(index)
    let waits = tree.waits(of: fiber, isExact: false)
    label += "\\n\(waits.isEmpty ? "\(fiber.state)" : waits)"
    if let line = tree.line(of: fiber) { label += "\\n\(line)" }
    return "    f\(index) [label=\(quoted(label))];\n"
  }

  /// A backslash is one of ours already.
  private static func quoted(_ text: String) -> String {
    "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"") + "\""
  }
}
