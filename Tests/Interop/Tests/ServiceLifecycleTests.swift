import Logging
import Nursery
import ServiceLifecycle
import Testing

/// swift-service-lifecycle: a nursery as a service, whose graceful shutdown drains it.
struct NurseryService: Service {
  var grace = Duration.seconds(10)
  let body: @Sendable (Nursery) throws -> Void

  func run() async throws {
    let opened = Promise<Nursery>()
    let body = body
    let grace = grace
    try await withGracefulShutdownHandler {
      try await withNursery { nursery in
        opened.fulfill(nursery)
        try body(nursery)
      }
    } onGracefulShutdown: {
      Task { try await opened.wait().drain(grace: grace) }
    }
  }
}

struct ServiceLifecycleTests {
  @Test func aGracefulShutdownDrainsTheNursery() async throws {
    let served = Promise<Int>()
    let isRunning = Condition()
    let service = NurseryService { nursery in
      nursery.goAsync("server") {
        var count = 0
        isRunning.signal()
        while try !choose(drainingOp().wrap { true }, sleepOp(for: .milliseconds(1)).wrap { false }) { count += 1 }
        served.fulfill(count)
      }
    }
    let group = ServiceGroup(services: [service], logger: Logger(label: "services"))
    let running = Task { try await group.run() }
    try await isRunning.wait()
    await group.triggerGracefulShutdown()
    try await running.value
    #expect(try await served.wait() >= 0)
  }

  @Test func theFailureOfAFiberIsTheServices() async throws {
    struct Broken: Error {}
    let service = NurseryService { nursery in nursery.goAsync { throw Broken() } }
    let group = ServiceGroup(services: [service], logger: Logger(label: "services"))
    await #expect(throws: Broken.self) { try await group.run() }
  }
}
