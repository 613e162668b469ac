extension FiberDump: CustomStringConvertible {
  /// The tree for people: fibers that do the same are one entry with a count, as are scopes that were opened at the same
  /// line.
  ///
  /// Finds the lines of the waits, which takes a tenth of a second or more at the first time.
  public var description: String { DumpText(DumpTree(snapshot), listsFibers: true).text }

  /// The tree of scopes alone, each with the number of its fibers.
  var tree: String { DumpText(DumpTree(snapshot), listsFibers: false).text }
}

/// Writes the tree of a dump, folded.
private struct DumpText {
  private(set) var text = ""
  private let tree: DumpTree
  private let listsFibers: Bool

  /// What scopes have in common that are one entry.
  private struct ScopeKey: Hashable {
    let kind: FiberSnapshot.Scope.Kind
    let path: String
    let site: SourceSite
    let reason: CancellationReason?
    let isSuspended: Bool
  }

  /// What fibers have in common that are one entry.
  private struct FiberKey: Hashable {
    let site: SourceSite
    let state: FiberSnapshot.Fiber.State
    let kind: FiberSnapshot.Fiber.Kind
    let isCancelledAlone: Bool
    let waits: String
    let line: String?
    /// The calls.
    ///
    /// Empty for fibers, which have the lines of the spawn and of the wait: each further call takes a twentieth of a
    /// second to look up.
    let places: [SourceLines.Place]
    /// Empty if names are folded.
    var name: String
    /// The index of the fiber-locals; -1 if they are folded.
    var locals: Int32
  }

  private static let mostNames = 8
  private static let mostPlaces = 12
  private static let mostIndentation = 30

  init(_ tree: DumpTree, listsFibers: Bool) {
    self.tree = tree
    self.listsFibers = listsFibers
    writeSummary()
    let snapshot = tree.snapshot
    let roots = snapshot.scopes.indices.filter { snapshot.scopes[$0].parent < 0 }.map { Int32($0) }
    var pending = grouped(roots).reversed().map { (scopes: $0, depth: 0) }
    while let (scopes, depth) = pending.popLast() {
      write(scopes, depth)
      if listsFibers { writeFibers(scopes.flatMap { tree.fibersOf[Int($0)] }, depth + 1) }
      let inner = grouped(scopes.flatMap { tree.childrenOf[Int($0)] })
      pending += inner.reversed().map { ($0, depth + 1) }
    }
    guard listsFibers else { return }
    writeFibers(snapshot.fibers.indices.filter { snapshot.fibers[$0].home < 0 }.map { Int32($0) }, 0)
  }

  private mutating func line(_ depth: Int, _ line: String) {
    text += String(repeating: "  ", count: min(depth, Self.mostIndentation)) + line + "\n"
  }

  private mutating func writeSummary() { line(0, summary(tree.snapshot.fibers[...])) }

  /// "3 fibers: 1 running, 2 waiting".
  private func summary(_ fibers: some Collection<FiberSnapshot.Fiber>) -> String {
    var counts: [FiberSnapshot.Fiber.State: Int] = [:]
    for fiber in fibers { counts[fiber.state, default: 0] += 1 }
    let waiting = counts[.waiting, default: 0] + counts[.joining, default: 0] + counts[.awaitingTurn, default: 0]
    let parts = [(counts[.running] ?? 0, "running"), (counts[.ready] ?? 0, "ready"), (waiting, "waiting")]
    let count = fibers.count
    let states = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    return "\(count) \(count == 1 ? "fiber" : "fibers")\(states.isEmpty ? "" : ": \(states)")"
  }

  // MARK: Scopes

  /// The scopes in groups of one entry, in the order of their first.
  private func grouped(_ scopes: [Int32]) -> [[Int32]] {
    var groups: [[Int32]] = []
    var groupOf: [ScopeKey: Int] = [:]
    for index in scopes {
      let scope = tree.snapshot.scopes[Int(index)]
      let key = ScopeKey(
        kind: scope.kind, path: scope.path, site: scope.site, reason: scope.reason,
        isSuspended: scope.suspendedOn != nil)
      if let group = groupOf[key], scope.kind != .run {
        groups[group].append(index)
      } else {
        groupOf[key] = groups.count
        groups.append([index])
      }
    }
    return groups
  }

  private mutating func write(_ scopes: [Int32], _ depth: Int) {
    let scope = tree.snapshot.scopes[Int(scopes[0])]
    let isOne = scopes.count == 1
    var words: String
    switch scope.kind {
    case .run:
      let workers = scope.clock < 0 ? 1 : tree.snapshot.clocks[Int(scope.clock)].workers
      words = "run on \(workers) \(workers == 1 ? "worker" : "workers")"
    case .nursery: words = isOne ? "nursery" : "\(scopes.count) nurseries"
    case .daemons: words = "its daemons"
    case .call: words = isOne ? "goAndWait" : "\(scopes.count) goAndWait"
    case .scope: words = isOne ? "scope" : "\(scopes.count) scopes"
    case .shield: words = isOne ? "shield" : "\(scopes.count) shields"
    }
    if scope.kind == .nursery, !scope.path.isEmpty { words += " \"\(scope.path)\"" }
    if scope.site.line > 0, scope.kind != .daemons { words += " opened at \(scope.site)" }
    if scope.limit != .max { words += ", limit \(scope.limit)" }
    let snapshot = tree.snapshot
    if let next = scopes.map({ snapshot.scopes[Int($0)].deadline }).min(), next != .max, scope.clock >= 0 {
      let rest = Duration.nanoseconds(max(0, next - tree.snapshot.clocks[Int(scope.clock)].now))
      words += isOne ? ", deadline in \(rest.inWords)" : ", first deadline in \(rest.inWords)"
    }
    if let fiber = scope.suspendedOn {
      words += isOne ? ", suspended with a coroutine of \(tree.label(fiber))" : ", suspended with coroutines"
    }
    if scope.isDraining { words += ", draining" }
    if let reason = scope.reason { words += ", cancelled: \(reason)" }
    if !listsFibers {
      let fibers = scopes.flatMap { tree.fibersOf[Int($0)] }
      if !fibers.isEmpty { words += "; \(summary(fibers.map { snapshot.fibers[Int($0)] }))" }
    }
    line(depth, words)
  }

  // MARK: Fibers

  private mutating func writeFibers(_ fibers: [Int32], _ depth: Int) {
    var groups: [(key: FiberKey, fibers: [Int32])] = []
    var groupOf: [FiberKey: Int] = [:]
    var perSite: [SourceSite: Int] = [:]
    for index in fibers { perSite[tree.snapshot.fibers[Int(index)].site, default: 0] += 1 }
    for index in fibers {
      var key = key(of: Int(index))
      if perSite[key.site]! > Self.mostNames {
        key.name = ""
        key.locals = -1
      }
      if let group = groupOf[key] {
        groups[group].fibers.append(index)
      } else {
        groupOf[key] = groups.count
        groups.append((key, [index]))
      }
    }
    for group in groups { write(group.fibers, group.key, depth) }
  }

  private func key(of index: Int) -> FiberKey {
    let fiber = tree.snapshot.fibers[index]
    return FiberKey(
      site: fiber.site, state: fiber.state, kind: fiber.kind, isCancelledAlone: fiber.isCancelledAlone,
      waits: tree.waits(of: fiber, isExact: false), line: tree.line(of: fiber),
      places: fiber.kind == .thread || fiber.kind == .task ? tree.places(of: fiber) : [], name: fiber.name ?? "",
      locals: fiber.locals)
  }

  private static func plural(_ kind: FiberSnapshot.Fiber.Kind) -> String {
    switch kind {
    case .root, .fiber: "fibers"
    case .thread: "plain threads"
    case .task: "tasks"
    }
  }

  private mutating func write(_ fibers: [Int32], _ key: FiberKey, _ depth: Int) {
    let first = tree.snapshot.fibers[Int(fibers[0])]
    let isOne = fibers.count == 1
    var words = isOne ? tree.label(Int(fibers[0])) : "\(fibers.count) \(Self.plural(key.kind))"
    if !isOne, !key.name.isEmpty { words += " \"\(key.name)\"" }
    if key.site.line > 0 { words += " spawned at \(key.site)" }
    switch key.state {
    case .running: words += isOne ? " runs" : " run"
    case .ready: words += " can run"
    case .awaitingTurn: words += "\(isOne ? " waits" : " wait") for \(key.waits)"
    case .waiting, .joining:
      let tree = self.tree
      let longest = fibers.compactMap { tree.waited(tree.snapshot.fibers[Int($0)]) }.max() ?? .zero
      words += isOne ? " has waited \(longest.inWords)" : " have waited up to \(longest.inWords)"
      if let line = key.line { words += " at \(line)" }
      words += ": \(isOne ? tree.waits(of: first, isExact: true) : key.waits)"
      // Of many, only what they have in common.
      if fibers.allSatisfy({ tree.snapshot.fibers[Int($0)].locals == first.locals }) { words += tree.locals(of: first) }
    }
    if key.isCancelledAlone { words += "; cancelled by its handle" }
    line(depth, words)
    // A single call is the line that has been told.
    if key.places.count > 1 { for place in key.places.prefix(Self.mostPlaces) { line(depth + 1, place.description) } }
    if key.places.count > Self.mostPlaces { line(depth + 1, "and \(key.places.count - Self.mostPlaces) more") }
  }
}
