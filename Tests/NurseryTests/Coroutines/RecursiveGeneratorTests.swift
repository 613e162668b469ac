import Nursery
import Testing

/// Iterators written as recursive functions.
@Suite struct RecursiveGeneratorTests {
  private indirect enum Tree {
    case leaf(Int)
    case node(Tree, Tree)

    /// A tree of these leaves that leans to one side.
    static func leaning(left: Bool, _ leaves: [Int]) -> Tree {
      left
        ? leaves.dropFirst().reduce(.leaf(leaves[0])) { .node($0, .leaf($1)) }
        : leaves.dropLast().reversed().reduce(.leaf(leaves.last!)) { .node(.leaf($1), $0) }
    }

    func visit(_ yielder: Generator<Int>.Yielder) throws {
      switch self {
      case .leaf(let number): try yielder.yield(number)
      case .node(let left, let right):
        try left.visit(yielder)
        try right.visit(yielder)
      }
    }

    /// The leaves from left to right.
    var fringe: Generator<Int> { Generator { try self.visit($0) } }
  }

  /// Whether two trees have the same leaves, whatever their shape; looks no further than the first difference.
  private func hasSameFringe(_ one: Tree, _ other: Tree, looks: Counter) -> Bool {
    var (left, right) = (one.fringe.makeIterator(), other.fringe.makeIterator())
    while true {
      looks.add()
      let (a, b) = (left.next(), right.next())
      if a != b { return false }
      if a == nil { return true }
    }
  }

  /// All orders of the elements, each made of the one before by an exchange (Heap's algorithm).
  private func permutations<Element>(of elements: [Element]) -> Generator<[Element]> {
    Generator { yielder in
      var elements = elements
      func permute(_ count: Int) throws {
        if count <= 1 { return try yielder.yield(elements) }
        for index in 0..<count - 1 {
          try permute(count - 1)
          elements.swapAt(count % 2 == 0 ? index : 0, count - 1)
        }
        try permute(count - 1)
      }
      try permute(elements.count)
    }
  }

  @Test func aTreeIsWalkedByARecursiveFunction() {
    let leaves = Array(0..<1000)
    #expect(Array(Tree.leaning(left: true, leaves).fringe) == leaves)
    #expect(Array(Tree.leaning(left: false, leaves).fringe) == leaves)
  }

  @Test func treesOfDifferentShapesHaveTheSameFringe() {
    let looks = Counter()
    let leaves = Array(0..<500)
    #expect(hasSameFringe(.leaning(left: true, leaves), .leaning(left: false, leaves), looks: looks))
    #expect(looks.value == 501)
    var others = leaves
    others[2] = -1
    #expect(!hasSameFringe(.leaning(left: true, leaves), .leaning(left: false, others), looks: looks))
    #expect(looks.value == 504, "no further than the first difference")
    #expect(!hasSameFringe(.leaning(left: true, leaves), .leaning(left: false, leaves + [500]), looks: looks))
  }

  @Test func permutationsComeOneAtATimeAndEachOnce() {
    let all = Array(permutations(of: [1, 2, 3, 4, 5]))
    #expect(all.count == 120)
    #expect(Set(all).count == 120)
    #expect(
      Array(permutations(of: ["a", "b", "c"]).prefix(3)) == [["a", "b", "c"], ["b", "a", "c"], ["c", "a", "b"]])
    // Of the orders of twenty only those are made that are looked at.
    let sorted = permutations(of: Array(1...20)).lazy.first { $0[0] == 3 }
    #expect(sorted?.prefix(3) == [3, 1, 2])
  }

  @Test func generatorsAreZippedAndTheLongerOneIsUnwound() {
    let unwound = Counter()
    let numbers = Generator<Int> { yielder in
      defer { unwound.add() }
      for number in 0... { try yielder.yield(number) }
    }
    let orders = permutations(of: [1, 2, 3])
    let pairs = Array(zip(numbers, orders))
    #expect(pairs.map(\.0) == [0, 1, 2, 3, 4, 5])
    #expect(pairs.last?.1 == [3, 2, 1])
    #expect(unwound.value == 1)
    #expect(zip(orders, orders).allSatisfy { $0 == $1 })
  }
}
