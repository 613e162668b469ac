import LogPipeline
import Nursery
import TestSupport
import Testing

#if os(Linux)
  @Suite struct LogPipelineTests {
    /// What the pipeline has shown.
    private struct Shown: Sendable {
      var windows: [TimeWindow] = []
      var garbage = 0
      var late = 0

      var requests: Int { windows.reduce(0) { $0 + $1.requests } }
    }

    /// Runs the pipeline beside `body`, which writes the log; drains after it.
    private func follow(
      _ folder: LogFolder, _ change: (inout LogOptions) -> Void = { _ in },
      _ body: @escaping @Sendable () throws -> Void
    ) throws -> Shown {
      var options = LogOptions(files: [folder.log])
      // Virtual time stands still while a fiber waits for the system's reports.
      options.polling = .milliseconds(50)
      change(&options)
      return try runFibers(.virtual()) {
        var shown = Shown()
        try withNursery { nursery in
          nursery.goAsync("the server") {
            // The pipeline follows the file from here on.
            try sleep(for: .milliseconds(100))
            try body()
            nursery.drain(grace: .seconds(100))
          }
          try LogPipeline(options).run { window, tally in
            shown.windows.append(window)
            (shown.garbage, shown.late) = (tally.garbage, tally.late)
          }
        }
        return shown
      }
    }

    @Test func aFileThatIsRotatedTruncatedAndGarbledLosesNoLine() throws {
      let folder = try LogFolder()
      let shown = try follow(folder) {
        for second in 1...60 {
          let now = WallTime.now
          switch second {
          case 20:
            // The server writes to the renamed file until it is asked to begin a new one.
            folder.rotate()
            try folder.append(LogFolder.common(now), to: "\(folder.log).1")
          case 40:
            try folder.truncate()
            try sleep(for: .milliseconds(10))
            try folder.append(LogFolder.json(now))
          case 15, 33: try folder.append("\u{0}garbage\n{\"time\": 7\n" + LogFolder.common(now))
          case 45:
            let line = LogFolder.json(now)
            try folder.append(String(line.prefix(20)))
            try sleep(for: .milliseconds(100))
            try folder.append(String(line.dropFirst(20)))
          default: try folder.append(second % 2 == 0 ? LogFolder.common(now) : LogFolder.json(now))
          }
          try sleep(for: .seconds(1))
        }
      }
      #expect(shown.requests == 60)
      #expect(shown.garbage == 4)
      #expect(shown.late == 0)
      #expect((6...7).contains(shown.windows.count))
      #expect(zip(shown.windows, shown.windows.dropFirst()).allSatisfy { $1.start - $0.start == .seconds(10) })
      #expect(shown.windows.dropFirst().dropLast().allSatisfy { 9...11 ~= $0.requests })
    }

    @Test func aWindowIsShownWhenItIsOverAndTheLastOneWhenTheProgramIsAskedToEnd() throws {
      let folder = try LogFolder()
      let times = Log<WallTime>()
      try runFibers(.virtual()) {
        try withNursery { nursery in
          nursery.goAsync {
            try sleep(for: .milliseconds(100))
            try folder.append(LogFolder.json(.now))
            try sleep(for: .seconds(30))
            try folder.append(LogFolder.json(.now))
            #expect(times.entries.count == 1)
            nursery.drain(grace: .seconds(100))
          }
          let start = WallTime.now
          var options = LogOptions(files: [folder.log])
          options.polling = .milliseconds(50)
          try LogPipeline(options).run { _, _ in times.append(.now) }
          #expect(times.entries.count == 2)
          #expect(times.entries[0] - start <= .seconds(12))
          #expect(times.entries[1] - start < .seconds(31))
        }
      }
    }

    @Test(arguments: [nil, "60s", "1m", "10m"]) func onlyEntriesSinceTheTimeCount(since: String?) throws {
      let folder = try LogFolder()
      try synchronously {
        try runFibers {
          let now = WallTime.now
          for age in (0..<100).reversed() {
            try folder.append(LogFolder.common(now + .seconds(-2 * age), status: age % 10 == 0 ? 503 : 200))
          }
        }
      }
      let shown = try follow(folder) {
        $0.since = since.flatMap { Since($0) }
      } _: {
        try folder.append(LogFolder.json(.now))
      }
      // The seconds that have passed since the file was written may leave out a few entries.
      let expected = ["60s": 25...31, "1m": 25...31, "10m": 101...101]
      #expect((since.map { expected[$0]! } ?? 1...1).contains(shown.requests))
      #expect(shown.late == 0)
      if since == "10m" { #expect(shown.windows.reduce(0) { $0 + $1.errors } == 10) }
    }

    @Test func talkersAndLatenciesAreThoseOfTheWindow() throws {
      let folder = try LogFolder()
      let shown = try follow(folder) {
        $0.window = .seconds(86_400)
      } _: {
        for number in 1...100 {
          let host = "10.0.0.\(number % 10 == 0 ? 1 : number % 3 == 0 ? 2 : 3)"
          try folder.append(LogFolder.common(.now, host: host, latency: " \(Double(number) / 1000)"))
        }
      }
      let window = shown.windows[0]
      #expect(window.topTalkers(2).map(\.host) == ["10.0.0.3", "10.0.0.2"])
      #expect(window.topTalkers(9).map(\.requests) == [60, 30, 10])
      for (part, milliseconds) in [(0.5, 50), (0.9, 90), (0.99, 99), (1, 100)] {
        let found = window.latency(part)! / .milliseconds(milliseconds)
        #expect(0.96...1.04 ~= found)
      }
    }

    @Test func aFileThatDoesNotExistYetIsFollowedWhenItIsMade() throws {
      let folder = try LogFolder()
      let shown = try follow(folder) {
        try sleep(for: .seconds(5))
        for _ in 1...3 { try folder.append(LogFolder.json(.now)) }
      }
      #expect(shown.requests == 3)
    }

    @Test func theSystemsReportsOfChangesAreEnough() throws {
      let folder = try LogFolder()
      try runFibers {
        try withNursery { nursery in
          nursery.goAsync {
            for number in 1...30 {
              if number == 20 { folder.rotate() }
              try folder.append(LogFolder.json(.now))
            }
            nursery.drain(grace: .seconds(100))
          }
          var options = LogOptions(files: [folder.log])
          options.since = Since("1d")
          var requests = 0
          try LogPipeline(options).run { window, _ in requests += window.requests }
          #expect(requests == 30)
        }
      }
    }

    @Test func aFolderThatDoesNotExistIsAnErrorThatNamesIt() throws {
      let folder = try LogFolder()
      let error = expectThrows(SystemError.self) {
        try runFibers(.virtual()) {
          try LogPipeline(LogOptions(files: ["\(folder.folder)/none/access.log"])).run { _, _ in }
        }
      }
      #expect(error?.description.contains("\(folder.folder)/none") == true)
    }
  }
#endif
