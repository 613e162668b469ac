import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct Scene: Sendable {
  let play: @Sendable () throws -> Void

  static let all: [String: Scene] = [
    "storm": Scene { for workers in [1, 2] { try storm(workers) } },
    "exhaustion": Scene(play: exhaustion),
    "endHeadless": Scene(play: endHeadless),
    "files": Scene(play: files),
    "headless": Scene(play: headless),
    "input": Scene(play: input),
    "launches": Scene(play: launches),
    "missing": Scene(play: missing),
    "typed": Scene(play: typedInput),
    "unreadForeignPipe": Scene { try unreadOutput("pipe", isForeign: true) },
    "unreadForeignTerminal": Scene { try unreadOutput("terminal", isForeign: true) },
    "unreadPipe": Scene { try unreadOutput("pipe") },
    "unreadSocket": Scene { try unreadOutput("socket") },
    "unreadTerminal": Scene { try unreadOutput("terminal") },
  ]
}

/// A thousand live connections, with a fiber waiting at each end, are cancelled at once.
private func storm(_ workers: Int) throws {
  // Both ends are in this process. If the hard limit does not allow a thousand, as many as it allows.
  let connections = min(1000, (limitDescriptors(to: 2200) - 200) / 2)
  // The standard streams, and the resources that a scheduler leaves for the next, exist after the first run.
  for round in 0..<3 {
    let before = openDescriptors()
    try runFibers(Configuration(parallelism: workers)) {
      let scheduler = Scheduler.current!
      let fibersBefore = scheduler.statistics.fibersAlive
      var most = 0
      let isOver = Condition()
      try withNursery { nursery in
        let listener = try TCPListener(port: 0)
        nursery.goAsync {
          try withNursery { served in
            for connection in listener {
              served.goAsync(placement: .spread) {
                try unlessOver(isOver) { try copy(from: connection, to: connection) }
              }
            }
          }
        }
        for number in 0..<connections {
          nursery.goAsync(placement: .spread) {
            let stream = try TCPStream.connect(to: listener.address)
            try unlessOver(isOver) {
              var seen = 0
              while true {
                try stream.writeAll("message \(number) ")
                seen += try stream.read(upTo: 64).count
                if seen > 200 { try sleep(for: .seconds(1000)) }
              }
            }
          }
        }
        while openDescriptors() < before + 2 * connections { try sleep(for: .milliseconds(5)) }
        most = openDescriptors()
        isOver.signal()
        nursery.cancel()
      }
      let statistics = scheduler.statistics
      require(most >= before + 2 * connections, "\(most) descriptors are not \(connections) connections")
      require(statistics.fibersAlive == fibersBefore, "\(statistics.fibersAlive) fibers are left")
      require(statistics.offersOutstanding == 0, "\(statistics.offersOutstanding) offers are left")
      require(statistics.timers == 0, "\(statistics.timers) timers are left")
      // Each worker keeps some stacks for the next fibers.
      require(statistics.stacks.inUse <= 200, "\(statistics.stacks.inUse) stacks are in use")
    }
    let after = openDescriptors()
    require(after == before, "round \(round): \(before) descriptors before, \(after) after")
  }
  print("\(workers) workers: fine")
}

/// Ignores the error of a peer that was cancelled first and has closed the connection.
private func unlessOver(_ isOver: Condition, _ body: () throws -> Void) throws {
  do { try body() } catch { if !isOver.isSignalled { throw error } }
}

/// Returns the new limit, which is lower if the process may not have that many.
@discardableResult private func limitDescriptors(to count: Int) -> Int {
  var limit = rlimit()
  getrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = min(rlim_t(count), limit.rlim_max)
  setrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
  return Int(limit.rlim_cur)
}

/// Opening too many files throws, and none is left open, neither after errors nor after abandoned calls.
private func files() throws {
  limitDescriptors(to: 64)
  try runFibers(Configuration(parallelism: 1)) {
    // From here on the pool and the reactor have their descriptors.
    try withNursery { _ in _ = try FileStream("/dev/null") }
    let before = openDescriptors()
    for _ in 0..<3 {
      try withNursery { _ in
        var files: [FileStream] = []
        do {
          while files.count < 100 { files.append(try FileStream("/dev/null")) }
          require(false, "there is no limit")
        } catch let error as SystemError {
          require(error.code == EMFILE, "another error: \(error)")
        }
      }
    }
    for _ in 0..<100 {
      _ = try FileStream("/dev/null")
      _ = try withTimeoutOrNil(.zero) { try FileStream("/dev/null") }
      _ = try choose(FileStream.openOp("/dev/null").wrap { _ in }, Op.always(()))
    }
    // Abandoned calls may still be running.
    while BlockingPool.shared.statistics.running > 0 { try sleep(for: .milliseconds(1)) }
    for _ in 0..<1000 where openDescriptors() > before { try sleep(for: .milliseconds(1)) }
    require(openDescriptors() == before, "\(openDescriptors() - before) descriptors were left open")
  }
  print("fine")
}

/// A listener that runs out of descriptors waits, and goes on when some are free again.
private func exhaustion() throws {
  limitDescriptors(to: 64)
  try runFibers(Configuration(parallelism: 1)) {
    let listener = try TCPListener(port: 0)
    let first = try TCPStream.connect(to: listener.address)
    _ = try listener.accept()
    // The number of inherited descriptors is unknown: after the pairs one may be left, which a copy takes.
    var held: [PipeStream] = []
    while let (reader, writer) = try? PipeStream.pair() { held += [reader, writer] }
    var copies: [CInt] = []
    while case let copy = dup(0), copy >= 0 { copies.append(copy) }
    do {
      _ = try TCPStream.connect(to: listener.address)
      require(false, "there are descriptors left")
    } catch let error as SystemError {
      require(error.code == EMFILE, "another error: \(error)")
    }
    held.removeLast().close()
    let client = try TCPStream.connect(to: listener.address)
    let error = { () -> SystemError? in
      do { _ = try listener.accept() } catch { return error as? SystemError }
      return nil
    }()
    require(error?.code == EMFILE, "accept did not run out of descriptors: \(String(describing: error))")
    let switchesBefore = Scheduler.current!.statistics.switches
    try withNursery { nursery in
      let accepted = nursery.goAsync { () -> Bool in
        for connection in listener {
          try connection.writeAll("welcome")
          return true
        }
        return false
      }
      try sleep(for: .milliseconds(100))
      let switches = Scheduler.current!.statistics.switches - switchesBefore
      require(switches < 100, "\(switches) switches: the listener spins")
      held.removeLast().close()
      require(try accepted.wait(), "the loop has ended")
      require(try client.read(upTo: 100) == Array("welcome".utf8), "another greeting")
    }
    copies.forEach { close($0) }
    withExtendedLifetime(first) {}
  }
  print("fine")
}

/// Input that is typed after a read has timed out goes to the next read.
private func input() throws {
  try runFibers {
    let reader = BufferedReader(StandardStream.input)
    var timeouts = 0
    while true {
      do {
        guard let line = try reader.readLineOp().orTimeout(after: .milliseconds(20)).perform() else { break }
        try StandardStream.output.writeAll("\(line)\n")
      } catch is TimeoutError { timeouts += 1 }
    }
    require(timeouts > 0, "no read has timed out")
  }
}
