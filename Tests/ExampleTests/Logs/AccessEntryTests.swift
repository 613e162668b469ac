import LogPipeline
import Nursery
import Testing

@Suite struct AccessEntryTests {
  /// 2000-10-10T20:55:36Z.
  private static let time = WallTime(nanosecondsSince1970: 971_211_336_000_000_000)

  @Test(arguments: [
    (#"10.0.0.1 - ada [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 2326"#, nil),
    (#"10.0.0.1 - - [10/Oct/2000:20:55:36 +0000] "GET / HTTP/1.1" 200 - "-" "curl/8.0""#, nil),
    (#"10.0.0.1 - - [10/Oct/2000:20:55:36 +0000] "GET /\" HTTP/1.1" 200 - "-" "a b" 0.125"#, 125_000),
    (#"10.0.0.1 - - [10/Oct/2000:20:55:36 +0000] "-" 200 0 "-" "-" 1500"#, 1500),
    (#"{"time":"2000-10-10T20:55:36Z","host":"10.0.0.1","status":200,"duration":0.125}"#, 125_000),
    (#" {"status":"200"}"#.replacing(" {", with: #"{ "ts": 971211336, "ip": "10.0.0.1", "#), nil),
    (
      #"{"a":{"b":["}",{"c":null}]},"x":true,"time":"2000-10-10T13:55:36-07:00","client":"10\u002e0.0.1","status":2e2}"#,
      nil
    ),
  ])
  func anEntryIsReadFromEachFormat(line: String, microseconds: Int?) {
    let latency = microseconds.map { Duration.microseconds($0) }
    #expect(AccessEntry(line) == AccessEntry(time: Self.time, host: "10.0.0.1", status: 200, latency: latency))
  }

  @Test(arguments: [
    "", " ", "{", "{}", "garbage", "[", "[]", "\u{0}\u{FFFD}", #"{"status":200}"#, #"{"status":200"#, #"{"a":"\"#,
    #"{"a":"\u12"}"#, #"{"a":[[[[["#, #"{"time":"x","host":"a","status":200}"#,
    #"{"time":"2000-10-10T20:55:36Z","host":"a","status":200}{}"#, #"{"time":1e300,"host":"a","status":200}"#,
    #"{"time":"2000-10-10T20:55:36Z","host":"a","status":1e300}"#,
    #"a - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200"#, #"a - - [10/Oct/2000:13:55:36 -0700] "GET 200 1"#,
    #"a - - [10/Okt/2000:13:55:36 -0700] "GET /" 200 1"#, #"a - - [40/Oct/2000:13:55:36 -0700] "GET /" 200 1"#,
    #"a - - [10/Oct/2000:13:55:36 0700] "GET /" 200 1"#, #"a - - [10/Oct/9999999999:13:55:36 -0700] "GET /" 200 1"#,
    #" - - [10/Oct/2000:13:55:36 -0700] "GET /" 200 1"#, #"a - - [10/Oct/2000:13:55:36 -0700] "GET /" 999 1"#,
  ])
  func garbageIsNoEntry(line: String) { #expect(AccessEntry(line) == nil) }

  @Test func aHostThatControlsATerminalIsMadeHarmless() {
    let entry = AccessEntry("\u{1B}[2J [10/Oct/2000:13:55:36 -0700] \"GET /\" 200 1")
    #expect(entry == nil || entry?.host.contains("\u{1B}") == false)
    #expect(AccessEntry(time: Self.time, host: "a\u{1B}\u{9B}b", status: 200).host == "a??b")
  }

  @Test func theTimeSinceWhenIsAnAgeOrATime() {
    for text in ["90s", "15m", "2h", "1d", "2000-10-10", "2000-10-10T13:55:36", "2000-10-10T13:55:36.5+01:00"] {
      #expect(Since(text) != nil)
    }
    for text in ["", "m", "-1m", "15", "15x", "99999999999999999999d", "yesterday", "2000-13-01"] {
      #expect(Since(text) == nil)
    }
  }
}
