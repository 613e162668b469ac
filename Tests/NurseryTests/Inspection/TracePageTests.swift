import Foundation
import Nursery
import TestSupport
import Testing

/// Where `.ci/browser` wants a page.
private let wantedPath = ProcessInfo.processInfo.environment["NURSERY_TRACE_PAGE"]

/// The page of a trace.
struct TracePageTests {
  @Test func aPageHoldsTheTraceAndLoadsNothing() throws {
    try withDirectory { directory in
      var configuration = Configuration.deterministic(seed: 1)
      configuration.recorder = .on()
      try runFibers(configuration) {
        try withNursery { $0.goAsync("</script><b>child") { try sleep(for: .seconds(1)) } }
        try #require(Trace.current()).writePage(to: "\(directory)/trace.html")
      }
      let page = try String(contentsOfFile: "\(directory)/trace.html", encoding: .utf8)
      #expect(page.contains("\\u003c/script>\\u003cb>child"))
      #expect(!page.contains("http:") && !page.contains("https:") && !page.contains("src="))
      let begin = try #require(page.range(of: "<script id=\"data\" type=\"application/json\">")).upperBound
      let rest = page[begin...]
      let end = try #require(rest.range(of: "</script>")).lowerBound
      let data = try JSONSerialization.jsonObject(with: Data(rest[..<end].utf8)) as? [String: Any]
      #expect((data?["fibers"] as? [Any])?.count == 2)
    }
  }

  /// Three fibers that compute and wait for each other, for a picture: see `.ci/browser`.
  @Test(.enabled(if: wantedPath != nil)) func aPageIsWrittenForTheBrowser() throws {
    func compute() {
      let end = ContinuousClock.now + .milliseconds(3)
      while ContinuousClock.now < end {}
    }
    try runFibers(Configuration(parallelism: 1, recorder: .on())) {
      try withNursery("talkers") { nursery in
        let numbers = Channel<Int>()
        nursery.goAsync("one") {
          for number in numbers where number >= 0 { compute() }
        }
        nursery.goAsync("two") {
          for number in 0..<6 {
            compute()
            try Trace.withSpan("send") { try numbers.send(number) }
          }
          numbers.close()
        }
        try nursery.goAsync("three") {
          for _ in 0..<4 {
            compute()
            Trace.mark("again")
            Fiber.yield()
          }
        }.wait()
      }
      try #require(Trace.current()).writePage(to: wantedPath!)
    }
  }
}
