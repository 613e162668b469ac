/// The graph of waits in a dump.
struct WaitGraph {
  let tree: DumpTree

  /// What could end a fiber's wait.
  struct Causes {
    /// Other fibers.
    var fibers: [Int] = []
    /// Whether anything else could: the clock, the kernel, a fiber or thread that is not known.
    var areOthers = false
    /// Whether all of the fibers have to end, and not only one of them go on.
    var needsAll = false
  }

  /// The fibers that have captured what they wait for, by its address.
  private let holders: [UInt: [Int]]

  init(_ tree: DumpTree) {
    self.tree = tree
    var holders: [UInt: [Int]] = [:]
    if !tree.snapshot.references.isEmpty {
      for (index, fiber) in tree.snapshot.fibers.enumerated() {
        for wait in tree.snapshot.waits(of: fiber) {
          guard case .reference(let object) = wait.waker else { continue }
          if holders[object]?.last != index { holders[object, default: []].append(index) }
        }
      }
    }
    self.holders = holders
  }

  func causes(of index: Int) -> Causes {
    let fiber = tree.snapshot.fibers[index]
    switch fiber.state {
    case .ready, .running: return Causes(areOthers: true)
    case .joining:
      let children = tree.fibersOf[Int(fiber.scope)].map { Int($0) }
      return Causes(fibers: children, areOthers: children.isEmpty, needsAll: true)
    case .awaitingTurn:
      let running = tree.fibersOf[Int(fiber.home)].map { Int($0) }.filter {
        tree.snapshot.fibers[$0].state != .awaitingTurn
      }
      return Causes(fibers: running, areOthers: running.isEmpty)
    case .waiting: return causes(of: index, fiber)
    }
  }

  /// Whether each branch of the fiber waits for what nothing but waiting fibers refers to.
  func waitsOutOfReach(_ index: Int) -> Bool {
    let waits = tree.snapshot.waits(of: tree.snapshot.fibers[index])
    return !waits.isEmpty
      && waits.allSatisfy { if case .reference(let object) = $0.waker { isOutOfReach(object) } else { false } }
  }

  /// Whether nothing but the fibers that wait for it refers to the object.
  func isOutOfReach(_ object: UInt) -> Bool {
    guard let references = tree.snapshot.references[object] else { return false }
    return references.ofWaiters >= references.count
  }

  /// Whether the fiber is a daemon, which waits until the others have ended, or has children, to which it may have lent
  /// its references: the closure of `concurrentMap` does not escape.
  private func hasCompany(_ fiber: FiberSnapshot.Fiber) -> Bool {
    let scopes = tree.snapshot.scopes
    if fiber.home >= 0, scopes[Int(fiber.home)].kind == .daemons { return true }
    var scope = fiber.scope
    while scope >= 0, scope != fiber.home {
      if scopes[Int(scope)].childCount > 0 { return true }
      scope = scopes[Int(scope)].parent
    }
    return false
  }

  private func causes(of index: Int, _ fiber: FiberSnapshot.Fiber) -> Causes {
    var causes = Causes()
    for wait in tree.snapshot.waits(of: fiber) {
      switch wait.waker {
      case .reference(let object):
        if isOutOfReach(object), !hasCompany(fiber) {
          causes.fibers += holders[object]!.filter { $0 != index }
        } else {
          causes.areOthers = true
        }
      case .nothing: break
      case .unknown, .clock, .descriptor, .call: causes.areOthers = true
      case .end(let other), .holder(let other, _):
        if let index = tree.indexOf[other] { causes.fibers.append(index) } else { causes.areOthers = true }
      }
    }
    return causes
  }
}
