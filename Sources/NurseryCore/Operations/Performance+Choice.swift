/// The order in which the leaves of a choice are asked.
///
/// A fair choice asks its leaves in a random order, every order being as likely. Choices inside it do not count: it is
/// flat over all leaves, whether they were nested, chained by `or`, or wrapped in between. A biased choice inside a
/// fair one is a *run*: one branch, whose leaves keep their order. The timers of timeouts come last, in the order they
/// were added, so that of equal timeouts the inner one ends the perform.
///
/// The leaves are collected as they are written, between `beginChoice` and `endChoice`; the outermost fair choice then
/// rearranges the leaves that were collected inside it. A leaf keeps its index.
extension Performance {
  /// The state that is restored at the end of a choice.
  @usableFromInline
  struct Choice {
    fileprivate let start: Int
    fileprivate let isBiased: Bool
    fileprivate let isInFairChoice: Bool
  }

  /// Before the leaves of a choice are added.
  @usableFromInline
  mutating func beginChoice(isBiased: Bool) -> Choice {
    let choice = Choice(start: count, isBiased: isBiased, isInFairChoice: isInFairChoice)
    choiceDepth += 1
    isInFairChoice = !isBiased
    return choice
  }

  /// After the leaves of a choice have been added.
  @usableFromInline
  mutating func endChoice(_ choice: Choice) {
    choiceDepth -= 1
    isInFairChoice = choice.isInFairChoice
    guard count - choice.start > 1 else { return }
    if choice.isBiased {
      if isInFairChoice { add(run: choice.start..<count) }
    } else if !isInFairChoice {
      shuffle(from: choice.start)
    }
  }

  private mutating func add(run: Range<Int>) {
    if runs == nil {
      runs = .new([])
    }
    runs!.pointee.append(run)
  }

  private mutating func shuffle(from start: Int) {
    if runs != nil { return shuffleRuns(from: start) }
    let end = timeoutCount == 0 ? count : putTimeoutsLast(from: start)
    let branches = end - start
    guard branches > 1 else { return }
    if me.decidesBranches { return rotate(start..<end, by: me.firstBranch(of: branches)) }
    for branch in start..<end - 1 {
      let other = branch + me.randomIndex(below: end - branch)
      if other != branch { swap(&offers[branch], &offers[other]) }
    }
  }

  /// Moves the timers of timeouts behind the other leaves; returns where they begin.
  private func putTimeoutsLast(from start: Int) -> Int {
    var end = count
    for leaf in (start..<count).reversed() where offers[leaf].isTimeout {
      end -= 1
      if leaf != end { swap(&offers[leaf], &offers[end]) }
    }
    return end
  }

  private func rotate(_ leaves: Range<Int>, by distance: Int) {
    rearrange(leaves, to: Array(leaves.dropFirst(distance)) + leaves.prefix(distance))
  }

  /// As `shuffle`, with runs that keep their order, timeouts of their leaves included.
  @inline(never)
  private mutating func shuffleRuns(from start: Int) {
    var branches: [Range<Int>] = []
    var timeouts: [Range<Int>] = []
    // Leaves before `start` belong to an enclosing choice, which is still being collected.
    var rest = runs!.pointee.filter { $0.lowerBound >= start }[...]
    runs!.pointee.removeAll { $0.lowerBound >= start }
    if runs!.pointee.isEmpty {
      runs!.destroy()
      runs = nil
    }
    var leaf = start
    while leaf < count {
      if let run = rest.first, run.lowerBound == leaf {
        rest.removeFirst()
        branches.append(run)
        leaf = run.upperBound
      } else {
        if offers[leaf].isTimeout { timeouts.append(leaf..<leaf + 1) } else { branches.append(leaf..<leaf + 1) }
        leaf += 1
      }
    }
    if me.decidesBranches {
      if branches.count > 1 {
        let first = me.firstBranch(of: branches.count)
        branches = Array(branches[first...] + branches[..<first])
      }
    } else {
      for branch in branches.indices.dropLast() {
        branches.swapAt(branch, branch + me.randomIndex(below: branches.count - branch))
      }
    }
    rearrange(start..<count, to: (branches + timeouts).flatMap { Array($0) })
  }

  private func rearrange(_ leaves: Range<Int>, to order: [Int]) {
    let sorted = order.map { offers[$0] }
    for (leaf, offer) in zip(leaves, sorted) { offers[leaf] = offer }
  }
}
