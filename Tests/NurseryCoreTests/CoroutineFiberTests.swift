import NurseryCore
import Testing

/// Coroutines and fibers together: a fiber may be suspended inside a coroutine, and go on elsewhere.
struct CoroutineFiberTests {
  @Test(arguments: parallelisms) func aFiberMayWaitInsideACoroutine(workers: Int) throws {
    let sums = try virtually(workers) {
      let fibers = (0..<50).map { number in
        spawn { () -> Int in
          let coroutine = try Coroutine<Int, Int, Int> { yielder, first in
            var sum = first
            for _ in 0..<10 {
              try sleep(for: .milliseconds(number))
              Performer.yield()
              sum += try yielder.yield(sum)
            }
            return sum
          }
          var step = try coroutine.resume(number)
          while case .yielded = step {
            Performer.yield()
            step = try coroutine.resume(1)
          }
          guard case .returned(let sum) = step else { return -1 }
          return sum
        }
      }
      return try fibers.map { try $0.wait() }
    }
    #expect(sums == (0..<50).map { $0 + 10 })
  }

  @Test(arguments: parallelisms) func aCoroutineMayBeHandedFromFiberToFiber(workers: Int) throws {
    let total = try virtually(workers) {
      let channel = Channel<Box<Coroutine<Int, Int, Void>>>()
      let running = try Coroutine<Int, Int, Void> { yielder, first in
        var sum = first
        while true { sum += try yielder.yield(sum) }
      }
      for _ in 0..<10 {
        spawn {
          for _ in 0..<20 {
            let box = try channel.receive()
            _ = try box.value.resume(1)
            Performer.yield()
            try channel.send(box)
          }
        }
      }
      try channel.send(Box(running))
      let box = try channel.receive()
      // The coroutine is not sent back; the cancellation ends the fibers that wait in the channel.
      let step = try box.value.resume(0)
      Performer.current().scope.cancel(.requested(nil))
      guard case .yielded(let sum) = step else { return -1 }
      return sum
    }
    #expect(total >= 1)
  }

  @Test(arguments: parallelisms) func cancellationUnwindsThroughACoroutine(workers: Int) throws {
    let census = Census()
    try virtually(workers) {
      let fiber = spawn {
        let coroutine = try Coroutine<Void, Void, Void> { yielder, _ in
          let member = census.make()
          try yielder.yield(())
          try Op<Void>.never.perform()
          withExtendedLifetime(member) {}
        }
        _ = try coroutine.resume()
        _ = try coroutine.resume()
      }
      letOthersRun()
      #expect(census.count == 1)
      fiber.cancel()
      expectThrows(CancellationError.self) { try fiber.wait() }
      #expect(census.count == 0)
    }
  }

  @Test func aCoroutineWorksOnAPlainThread() throws {
    let sum = try PlainThread {
      let coroutine = try Coroutine<Int, Int, Void> { yielder, first in
        var sum = first
        while true { sum += try yielder.yield(sum) }
      }
      var last = 0
      for number in 1...100 {
        if case .yielded(let sum) = try coroutine.resume(number) { last = sum }
      }
      return last
    }.join()
    #expect(sum == 5050)
  }
}
