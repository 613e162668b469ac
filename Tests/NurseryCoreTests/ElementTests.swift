import NurseryCore
import Testing

/// Elements of every shape pass through channels and choices unchanged, and none is leaked, lost or doubled.
struct ElementTests {
  struct Large: Sendable, Equatable {
    var words: [10 of UInt64]
    var text: String

    init(_ seed: Int) {
      words = .init { UInt64(seed &* 31 &+ $0) }
      text = "element number \(seed), too long to be stored inline"
    }

    static func == (left: Large, right: Large) -> Bool {
      left.text == right.text && left.words.indices.allSatisfy { left.words[$0] == right.words[$0] }
    }
  }

  /// Sends and receives every element by the verb, the operation, a choice and the `try` call, in either order of
  /// arrival.
  private func exchange<Element: Sendable>(
    _ elements: [Element], capacity: Int, workers: Int, isSame: (Element, Element) -> Bool
  ) throws {
    let received = try virtually(workers) {
      let channel = Channel<Element>(.bounded(capacity))
      let back = Channel<Element>(.bounded(capacity))
      let nobodyReceives = Channel<Element>()
      let nobodySends = Channel<Element>()
      spawn {
        for (index, element) in elements.enumerated() {
          switch index % 4 {
          case 0: try channel.send(element)
          case 1: try channel.sendOp(element).perform()
          case 2: try channel.sendOp(element).or(nobodyReceives.sendOp(element)).perform()
          default: while try !channel.trySend(element) { Performer.yield() }
          }
        }
        channel.close()
      }
      spawn {
        for element in channel { try back.send(element) }
        back.close()
      }
      var received: [Element] = []
      for index in elements.indices {
        switch index % 4 {
        case 0: received.append(try back.receiveOp().or(nobodySends.receiveOp()).perform())
        case 1: received.append(try back.receive())
        case 2: received.append(try back.receiveOp().wrap { $0 }.perform())
        default: received.append(try Op.choice([.never, nobodySends.receiveOp(), back.receiveOp()]).perform())
        }
      }
      return received
    }
    #expect(received.count == elements.count)
    let areSame = zip(received, elements).allSatisfy(isSame)
    #expect(areSame)
  }

  @Test(arguments: [0, 1, 5], parallelisms) func integers(capacity: Int, workers: Int) throws {
    try exchange([1, -1, .max, .min, 0, 7, 8, 9], capacity: capacity, workers: workers) { $0 == $1 }
    try exchange([UInt8](0...20), capacity: capacity, workers: workers) { $0 == $1 }
  }

  @Test(arguments: [0, 1, 5], parallelisms) func optionals(capacity: Int, workers: Int) throws {
    let elements: [Int?] = [1, nil, 2, nil, nil, nil, nil, nil, 3]
    try exchange(elements, capacity: capacity, workers: workers) { $0 == $1 }
    try exchange([true, nil, false, nil], capacity: capacity, workers: workers) { $0 == $1 }
  }

  @Test(arguments: [0, 1, 5], parallelisms) func strings(capacity: Int, workers: Int) throws {
    let elements = (0..<20).map { "a string that is too long to be stored inline, number \($0)" }
    try exchange(elements, capacity: capacity, workers: workers) { $0 == $1 }
  }

  @Test(arguments: [0, 1, 5], parallelisms) func nothing(capacity: Int, workers: Int) throws {
    try exchange([(), (), (), (), ()], capacity: capacity, workers: workers) { _, _ in true }
  }

  @Test(arguments: [0, 1, 5], parallelisms) func largeValues(capacity: Int, workers: Int) throws {
    try exchange((0..<20).map(Large.init), capacity: capacity, workers: workers) { $0 == $1 }
  }

  @Test(arguments: [0, 1, 5], parallelisms) func vectors(capacity: Int, workers: Int) throws {
    let doubles = (0..<20).map { SIMD4<Double>(repeating: Double($0)) }
    try exchange(doubles, capacity: capacity, workers: workers) { $0 == $1 }
    let wide = (0..<20).map { SIMD16<Double>(repeating: Double($0)) }
    try exchange(wide, capacity: capacity, workers: workers) { $0 == $1 }
  }

  @Test(arguments: [0, 1, 5], parallelisms) func errorsAndFunctions(capacity: Int, workers: Int) throws {
    let errors: [any Error] = (0..<8).map { Oops($0) }
    try exchange(errors, capacity: capacity, workers: workers) { ($0 as? Oops) == ($1 as? Oops) }
    let functions: [@Sendable () -> Int] = (0..<8).map { number in { number } }
    try exchange(functions, capacity: capacity, workers: workers) { $0() == $1() }
  }

  @Test(arguments: [0, 1, 5], parallelisms) func objectsAreReleasedOnce(capacity: Int, workers: Int) throws {
    let census = Census()
    try exchange((0..<40).map(census.make), capacity: capacity, workers: workers) { $0 === $1 }
    #expect(census.total == 40)
    #expect(census.count == 0)
  }

  @Test func aChannelReleasesWhatItStillHolds() throws {
    let census = Census()
    try virtually {
      let channel = Channel<Census.Member>(.bounded(20))
      for number in 0..<13 { try channel.send(census.make(number)) }
      for _ in 0..<5 { _ = try channel.receive() }
      for number in 0..<10 { try channel.send(census.make(number)) }
      #expect(census.count == 18)
    }
    #expect(census.count == 0)
  }

  @Test(arguments: parallelisms) func elementsOfSendersThatLoseAreReleased(workers: Int) throws {
    let census = Census()
    try virtually(workers) {
      let channel = Channel<Census.Member>()
      let losers = (0..<10).map { number in
        spawn { try? channel.send(census.make(number)) }
      }
      let choosers = (0..<10).map { number in
        spawn { try channel.sendOp(census.make(number)).or(timeoutOp(after: .seconds(1))).perform() }
      }
      for chooser in choosers { try chooser.wait() }
      channel.close()
      for loser in losers { try loser.wait() }
    }
    #expect(census.total == 20)
    #expect(census.count == 0)
  }

  @Test func aSendOperationSendsItsElementEachTime() throws {
    let census = Census()
    try virtually {
      let channel = Channel<Census.Member>(.bounded(3))
      let send = channel.sendOp(census.make())
      for _ in 0..<3 { try send.perform() }
      channel.close()
      let received = Array(channel)
      #expect(received.count == 3)
      expectEqual(received.allSatisfy { $0 === received[0] }, true)
    }
    #expect(census.count == 0)
  }
}
