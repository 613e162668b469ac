/// A snapshot with what is computed from it: labels, deadlines, and the graph of waits.
final class DumpTree {
  let snapshot: FiberSnapshot
  /// For each scope the earliest deadline around, and whose it is.
  private var deadlines: [(instant: Int64, scope: Int)] = []
  private(set) lazy var indexOf: [PerformerID: Int] = {
    Dictionary(snapshot.fibers.indices.map { (snapshot.fibers[$0].performer, $0) }) { first, _ in first }
  }()
  private(set) lazy var childrenOf: [[Int32]] = lists(snapshot.scopes.indices.map { snapshot.scopes[$0].parent })
  private(set) lazy var fibersOf: [[Int32]] = lists(snapshot.fibers.map(\.home))
  private lazy var objects: [UInt: Int] = {
    var objects: [UInt: Int] = [:]
    for wait in snapshot.waits where objects[wait.source] == nil { objects[wait.source] = objects.count + 1 }
    return objects
  }()
  private lazy var ranks: [UInt64: Int] = {
    let numbers = snapshot.fibers.lazy.filter { $0.kind == .fiber }.map(\.performer.number).sorted()
    return Dictionary(zip(numbers, 1...)) { first, _ in first }
  }()
  /// The lines and the places of the stacks, as far as they were asked for.
  private var lines: [Int32: String?] = [:]
  private var places: [Int32: [SourceLines.Place]] = [:]

  init(_ snapshot: FiberSnapshot) {
    self.snapshot = snapshot
    for (index, scope) in snapshot.scopes.enumerated() {
      // Parents come first. A shield keeps outer deadlines off, and another scheduler has another clock.
      let around = scope.kind == .shield || scope.parent < 0 ? nil : deadlines[Int(scope.parent)]
      let isSameClock = scope.parent >= 0 && snapshot.scopes[Int(scope.parent)].clock == scope.clock
      let inherited = isSameClock ? around?.instant ?? .max : .max
      deadlines.append(scope.deadline <= inherited ? (scope.deadline, index) : (inherited, around!.scope))
    }
  }

  /// The indices that have each of the scopes as their parent.
  private func lists(_ parents: [Int32]) -> [[Int32]] {
    var lists = [[Int32]](repeating: [], count: snapshot.scopes.count)
    for (index, parent) in parents.enumerated() where parent >= 0 { lists[Int(parent)].append(Int32(index)) }
    return lists
  }

  /// "fiber "reader"", or by its number; in a deterministic scheduler, where another run gives other numbers, by its place
  /// among those that live.
  func label(_ index: Int) -> String {
    let fiber = snapshot.fibers[index]
    switch fiber.kind {
    case .root: return "the root fiber"
    case .thread: return "a plain thread"
    case .task: return "a task"
    case .fiber: break
    }
    if let name = fiber.name { return "fiber \"\(name)\"" }
    let clock = fiber.home < 0 ? -1 : snapshot.scopes[Int(fiber.home)].clock
    let isDeterministic = clock >= 0 && snapshot.clocks[Int(clock)].isDeterministic
    return "fiber #\(isDeterministic ? UInt64(ranks[fiber.performer.number]!) : fiber.performer.number)"
  }

  func label(_ performer: PerformerID) -> String {
    indexOf[performer].map { label($0) } ?? "a fiber, thread or task that is not listed"
  }

  func path(of fiber: FiberSnapshot.Fiber) -> String {
    var scope = fiber.scope
    while scope >= 0 {
      let path = snapshot.scopes[Int(scope)].path
      if !path.isEmpty { return path }
      scope = snapshot.scopes[Int(scope)].parent
    }
    return ""
  }

  func now(for fiber: FiberSnapshot.Fiber) -> Int64 {
    let clock = fiber.home < 0 ? -1 : snapshot.scopes[Int(fiber.home)].clock
    return clock < 0 ? snapshot.now : snapshot.clocks[Int(clock)].now
  }

  func waited(_ fiber: FiberSnapshot.Fiber) -> Duration? {
    guard fiber.state == .waiting || fiber.state == .joining else { return nil }
    return .nanoseconds(max(0, now(for: fiber) - fiber.since))
  }

  func object(_ wait: FiberSnapshot.Wait) -> Int { objects[wait.source]! }

  func deadline(of fiber: FiberSnapshot.Fiber) -> (instant: Int64, scope: Int)? {
    guard fiber.scope >= 0 else { return nil }
    let deadline = deadlines[Int(fiber.scope)]
    return deadline.instant == .max ? nil : deadline
  }

  /// As `Fiber.cancellationReason` says it.
  func cancellation(of fiber: FiberSnapshot.Fiber) -> CancellationReason? {
    var index = fiber.scope
    while index >= 0 {
      let scope = snapshot.scopes[Int(index)]
      if let reason = scope.reason { return reason }
      if index == fiber.home, fiber.isCancelledAlone { return .requested(nil) }
      if scope.kind == .shield { return nil }
      index = scope.parent
    }
    return nil
  }

  func line(of fiber: FiberSnapshot.Fiber) -> String? {
    guard fiber.stack >= 0 else { return nil }
    if let known = lines[fiber.stack] { return known }
    let line = SourceLines.line(of: stack(of: fiber))
    lines[fiber.stack] = .some(line)
    return line
  }

  /// Of a fiber whose stack was read; all stacks of the dump are looked up with the first.
  private func stack(of fiber: FiberSnapshot.Fiber) -> [UInt] {
    if lines.isEmpty, places.isEmpty { SourceLines.learn(snapshot.stacks) }
    return snapshot.stacks[Int(fiber.stack)]
  }

  /// The calls of the program that led to the wait, the innermost first.
  func places(of fiber: FiberSnapshot.Fiber) -> [SourceLines.Place] {
    guard fiber.stack >= 0 else { return [] }
    if let known = places[fiber.stack] { return known }
    let places = SourceLines.places(of: stack(of: fiber))
    self.places[fiber.stack] = places
    return places
  }

  /// The fiber-locals that are shown: "; request r-17".
  func locals(of fiber: FiberSnapshot.Fiber) -> String {
    fiber.locals < 0 ? "" : snapshot.locals[Int(fiber.locals)].map { "; \($0.text)" }.joined()
  }

  /// The branches in words; with what differs between fibers that wait for the same only if `isExact`.
  func waits(of fiber: FiberSnapshot.Fiber, isExact: Bool) -> String {
    switch fiber.state {
    case .joining: return isExact ? "its children (\(snapshot.scopes[Int(fiber.scope)].childCount))" : "its children"
    case .awaitingTurn: return "its turn (limit \(snapshot.scopes[Int(fiber.home)].limit))"
    case .ready, .running: return ""
    case .waiting: break
    }
    return snapshot.waits(of: fiber).map { wait in
      let text = snapshot.texts[Int(wait.text)]
      switch wait.waker {
      case .end(let other): return "the end of \(label(other))"
      case .holder(let other, let site): return "\(text), held by \(label(other)) since \(site)"
      case .clock(let instant) where isExact && instant != .max:
        return "\(text) (in \(Duration.nanoseconds(max(0, instant - now(for: fiber))).inWords))"
      case .descriptor(let number) where isExact:
        return "\(text) (descriptor \(number)\(snapshot.targets[number]?.text.map { ": \($0)" } ?? ""))"
      default: return text
      }
    }.joined(separator: ", or ")
  }
}

extension Duration {
  /// "350 ms", "2.1 s", "5 min", to two digits or so.
  var inWords: String {
    let milliseconds = nanosecondsClamped / 1_000_000
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    if milliseconds < 60_000 {
      let tenths = milliseconds % 1000 / 100
      return tenths == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds / 1000).\(tenths) s"
    }
    return milliseconds < 7_200_000 ? "\(milliseconds / 60_000) min" : "\(milliseconds / 3_600_000) h"
  }
}
