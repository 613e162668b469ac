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

  init(_ tree: DumpTree) { self.tree = tree }

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
    case .waiting: return causes(tree.snapshot.waits(of: fiber))
    }
  }

  private func causes(_ waits: ArraySlice<FiberSnapshot.Wait>) -> Causes {
    var causes = Causes()
    for wait in waits {
      switch wait.waker {
      case .nothing: break
      case .unknown, .clock, .descriptor, .call: causes.areOthers = true
      case .end(let other), .holder(let other, _):
        if let index = tree.indexOf[other] { causes.fibers.append(index) } else { causes.areOthers = true }
      }
    }
    return causes
  }
}
