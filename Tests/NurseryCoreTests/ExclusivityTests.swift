import NurseryCore
import Testing

/// A fiber that is suspended inside `change(&object.field)` takes its open access along.
struct ExclusivityTests {
  private final class Object {
    var first = 0
    var second = 0
    var list: [Int] = []
  }

  /// Changes a number while other fibers run, on this worker or on the worker where this fiber resumes.
  private func change(_ number: inout Int, by amount: Int) throws {
    let before = number
    for _ in 0..<3 { Performer.yield() }
    try sleep(for: .microseconds(amount))
    number = before + amount
  }

  @Test(arguments: [1, 2, 3]) func anOpenAccessSurvivesASuspension(workers: Int) throws {
    for _ in 0..<5 {
      let sums = try virtually(workers) {
        let fibers = (1...50).map { number in
          spawn { () -> Int in
            let object = Object()
            for _ in 0..<10 { try change(&object.first, by: number) }
            return object.first
          }
        }
        return try fibers.map { try $0.wait() }
      }
      expectEqual(sums, (1...50).map { $0 * 10 })
    }
  }

  @Test(arguments: [1, 2, 3]) func accessesOfInterleavedFibersDoNotMix(workers: Int) throws {
    let sums = try virtually(workers) {
      let object = Object()
      let left = spawn { for _ in 0..<100 { try change(&object.first, by: 1) } }
      let right = spawn { for _ in 0..<100 { try change(&object.second, by: 2) } }
      try left.wait()
      try right.wait()
      return [object.first, object.second]
    }
    #expect(sums == [100, 200])
  }

  @Test(arguments: [1, 2]) func nestedAccessesSurviveToo(workers: Int) throws {
    func both(_ first: inout Int, _ object: Object) throws {
      try change(&object.second, by: 1)
      try change(&first, by: 1)
    }
    let sums = try virtually(workers) {
      let fibers = (0..<20).map { _ in
        spawn { () -> Int in
          let object = Object()
          for _ in 0..<10 { try both(&object.first, object) }
          return object.first + object.second
        }
      }
      return try fibers.map { try $0.wait() }
    }
    #expect(sums.allSatisfy { $0 == 20 })
  }

  @Test(arguments: [1, 2]) func anAccessMaySpanACoroutinesSwitches(workers: Int) throws {
    let sums = try virtually(workers) {
      let fibers = (0..<20).map { _ in
        spawn { () -> Int in
          let object = Object()
          let coroutine = try Coroutine<Void, Void, Void> { yielder, _ in
            func change(_ number: inout Int) throws {
              for _ in 0..<10 {
                number += 1
                Performer.yield()
                try yielder.yield(())
              }
            }
            try change(&object.first)
          }
          while case .yielded = try coroutine.resume() { object.second += 1 }
          return object.first + object.second
        }
      }
      return try fibers.map { try $0.wait() }
    }
    #expect(sums.allSatisfy { $0 == 20 })
  }

  @Test func aRealOverlapIsStillCaught() async {
    await #expect(processExitsWith: .failure) {
      try virtually {
        // Passed through a channel, so that the optimiser cannot see that the object has no other reference.
        let objects = Channel<Box<Object>>(.bounded(1))
        try objects.send(Box(Object()))
        let object = try objects.receive().value
        func hold(_ list: inout [Int]) {
          list.append(1)
          Performer.yield()
          object.list.append(2)
        }
        hold(&object.list)
      }
    }
  }
}
