import Console
import Testing

/// The live view of a console.
struct TopViewTests {
  private func sample(time: Int, switches: Int, lines: Int = 1) throws -> JSONValue {
    let line = #"{"spawned":"Shop/Main.swift:7","fibers":3,"running":1,"ready":0,"waiting":2,"longest":75.25}"#
    let text = """
      {"version":1,"top":{"time":\(time).500000,"totals":{"spawned":3,"switches":\(switches),"offers":2,"timers":4},
      "workers":[{"index":0,"duty":"regular","asleep":false,"switches":1,"processorTime":\(time).25,"begun":3,"queued":1,
      "runs":"fiber \\"miller\\"","spawned":null,"heldFor":2.5}],
      "fibers":3,"lines":[\(Array(repeating: line, count: lines).joined(separator: ","))],
      "waits":[{"fiber":"fiber #9","nursery":"shop","waited":75.25,"line":"Shop/Main.swift:8","for":"a timer"}],
      "channels":[{"channel":"Channel<Int>","count":2,"capacity":null,"peak":9,"dropped":0,"senders":0,"receivers":1}]}}
      """
    return try #require(JSONValue(text))
  }

  @Test func ratesAreOfTheTimeBetweenTwoSamples() throws {
    let first = try sample(time: 10, switches: 100)
    #expect(TopView(first, after: nil).lines(height: 40).first == "3 fibers   4 timers")
    let lines = try TopView(sample(time: 12, switches: 300), after: first).lines(height: 40)
    #expect(lines.first == "3 fibers   4 timers   100 switches/s   0 spawned/s")
    #expect(
      lines.contains { $0.hasPrefix("     0   100%        3       1  held 2.5 s") && $0.hasSuffix("fiber \"miller\"") })
    #expect(lines.contains("      3       1       0       2     75 s  Shop/Main.swift:7"))
    #expect(lines.contains("    75 s  fiber #9 at Shop/Main.swift:8: a timer"))
    #expect(lines.contains("       2       any         9         0         0         1  Channel<Int>"))
  }

  @Test(arguments: [1, 2, 5, 9, 14, 24, 60]) func aViewIsNoHigherThanTheTerminal(height: Int) throws {
    let lines = try TopView(sample(time: 1, switches: 1, lines: 100), after: nil).lines(height: height)
    #expect(lines.count <= height)
    if height >= 14 { #expect(lines.contains { $0.hasSuffix("Channel<Int>") }) }
  }

  @Test(arguments: ["", "{", "[1,", "{\"a\"}", "\"\\u12\"", "nul", "1 2", "[]]"]) func garbageIsNoJSON(text: String) {
    #expect(JSONValue(text) == nil)
  }
}
