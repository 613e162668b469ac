import InMemoryTracing
import Nursery
import Testing
import Tracing

/// swift-distributed-tracing: the context of a request accompanies its fibers in a `FiberLocal`.
struct TracingTests {
  static let context = FiberLocal(ServiceContext.topLevel)

  /// Runs `body` in a span that is a child of the fiber's.
  func withFiberSpan<Result>(_ name: String, _ tracer: InMemoryTracer, _ body: () throws -> Result) throws -> Result {
    let span = tracer.startSpan(name, context: Self.context.value)
    defer { span.end() }
    do {
      return try Self.context.withValue(span.context) { try body() }
    } catch {
      span.recordError(error)
      throw error
    }
  }

  @Test func theSpansOfConcurrentRequestsDoNotMix() throws {
    let tracer = InMemoryTracer()
    try withNursery { nursery in
      for number in 0..<10 {
        nursery.goAsync {
          try withFiberSpan("request \(number)", tracer) {
            try sleep(for: .microseconds(100))
            // A child has its spawner's context.
            try goAndWait { try withFiberSpan("query \(number)", tracer) { try sleep(for: .microseconds(100)) } }
          }
        }
      }
    }
    let spans = tracer.finishedSpans
    #expect(spans.count == 20)
    for number in 0..<10 {
      let request = try #require(spans.first { $0.operationName == "request \(number)" })
      let query = try #require(spans.first { $0.operationName == "query \(number)" })
      #expect(query.parentSpanID == request.spanID)
      #expect(query.traceID == request.traceID)
    }
  }
}
