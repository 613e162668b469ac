import Nursery

extension SharedUse {
  /// Pipelines whose transform takes a permit.
  static let flows =
    PassingOperator.all.map { op in
      SharedUse("a pipeline of \(op.testDescription)") { _ in
        let semaphore = FiberSemaphore(1)
        let flow = op.apply(
          (0..<2).pipeline().map { number in
            try semaphore.withPermits { try linger() }
            return number
          })
        return (
          use: { try hold(try flow.collect() == [0, 1], "other elements") },
          check: { try hold(semaphore.freeCount == 1 && semaphore.waitingCount == 0, "a permit is taken") }
        )
      }
    } + [
      SharedUse("the elements of a pipeline") { _ in
        let semaphore = FiberSemaphore(1)
        let flow = (0..<3).pipeline().buffer(1).map { number in
          try semaphore.withPermits { try linger() }
          return number
        }
        return (
          use: {
            try withPipeline(flow) { elements in
              for element in elements where element == 1 { break }
              try Fiber.checkCancellation()
            }
          },
          check: { try hold(semaphore.freeCount == 1 && semaphore.waitingCount == 0, "a permit is taken") }
        )
      }
    ]
}
