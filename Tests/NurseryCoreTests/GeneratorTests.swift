import NurseryCore
import Testing

/// Sequences written as functions.
struct GeneratorTests {
  private let squares = Generator<Int> { yielder in
    for number in 1... { try yielder.yield(number * number) }
  }

  @Test func aPrefixOfAnEndlessOneEnds() {
    #expect(Array(squares.prefix(5)) == [1, 4, 9, 16, 25])
    #expect(squares.lazy.filter { $0 % 2 == 0 }.first { _ in true } == 4)
  }

  @Test func everyIterationStartsAfresh() {
    #expect(Array(squares.prefix(2)) == [1, 4])
    #expect(Array(squares.prefix(2)) == [1, 4])
    #expect(Array(zip(squares, squares).prefix(2)).allSatisfy { $0 == $1 })
  }

  @Test func anEmptyOneIsEmpty() {
    #expect(Array(Generator<Int> { _ in }) == [])
  }

  @Test func leavingALoopEarlyUnwindsTheFunction() {
    let census = Census()
    let generator = Generator<Int> { yielder in
      let member = census.make()
      for number in 0... { try yielder.yield(number) }
      withExtendedLifetime(member) {}
    }
    for number in generator where number == 3 { break }
    #expect(census.total == 1)
    #expect(census.count == 0)
  }

  @Test func anErrorEndsTheIterationAndIsKept() {
    let generator = Generator<Int> { yielder in
      try yielder.yield(1)
      throw Oops(4)
    }
    var iterator = generator.makeIterator()
    #expect(iterator.next() == 1)
    #expect(iterator.failure == nil)
    #expect(iterator.next() == nil)
    #expect(iterator.failure as? Oops == Oops(4))
    #expect(iterator.next() == nil)
  }

  @Test func aFinishedIteratorStaysFinished() {
    var iterator = Generator<Int> { try $0.yield(1) }.makeIterator()
    #expect(iterator.next() == 1)
    for _ in 0..<3 { #expect(iterator.next() == nil) }
    #expect(iterator.failure == nil)
  }

  @Test func generatorsNest() {
    func walk(_ depth: Int) -> Generator<Int> {
      Generator { yielder in
        if depth > 0 { for value in walk(depth - 1) { try yielder.yield(value) } }
        try yielder.yield(depth)
        if depth > 0 { for value in walk(depth - 1) { try yielder.yield(value) } }
      }
    }
    #expect(Array(walk(7)).count == 255)
  }

  @Test(arguments: parallelisms) func manyRunAtOnceOnFibers(workers: Int) throws {
    let results = try virtually(workers) {
      let fibers = (1...100).map { step in
        spawn { () -> Int in
          let multiples = Generator<Int> { yielder in
            for number in 1... {
              if number % 3 == 0 { Performer.yield() }
              try yielder.yield(number * step)
            }
          }
          return multiples.prefix(50).reduce(0, +)
        }
      }
      return try fibers.map { try $0.wait() }
    }
    #expect(results == (1...100).map { $0 * 1275 })
  }

  @Test func aThousandIteratorsLiveAtOnce() {
    var iterators = (0..<1000).map { start in
      Generator<Int> { yielder in for number in start... { try yielder.yield(number) } }.makeIterator()
    }
    for turn in 0..<3 {
      for index in iterators.indices { #expect(iterators[index].next() == index + turn) }
    }
  }
}
