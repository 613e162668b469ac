import Nursery
import Testing

/// Commands in a pseudo terminal.
struct TerminalTests {
  private func inTerminal(_ script: String) -> Command {
    var command = Command("sh", "-c", script)
    command.terminal = TerminalSize(rows: 30, columns: 100)
    return command
  }

  @Test func theChildIsInATerminalOfTheSizeGiven() throws {
    let result = try inTerminal("test -t 0 && test -t 1 && test -t 2 && stty size && tty").run()
    #expect(result.isSuccess)
    let lines = result.text.split(separator: "\r\n")
    #expect(lines.first == "30 100")
    #expect(lines.last?.hasPrefix("/dev/pts/") == true)
  }

  @Test func itIsTheControllingTerminal() throws {
    #expect(try inTerminal("echo hello > /dev/tty").run().text == "hello\r\n")
  }

  @Test func typedBytesAreRead() throws {
    try withNursery { _ in
      let process = try inTerminal("stty -echo; echo ready; read line; echo \"got $line\"").start()
      let terminal = process.terminal!
      #expect(try text(terminal, upTo: "ready\r\n") == "ready\r\n")
      try terminal.writeAll("something\n")
      #expect(try text(terminal, upTo: "\r\n") == "got something\r\n")
      #expect(try terminal.read(upTo: 100) == [])
      #expect(try process.wait() == .exited(0))
    }
  }

  @Test func controlCInterrupts() throws {
    try withNursery { _ in
      let process = try inTerminal("echo ready; exec sleep 1000").start()
      _ = try text(process.terminal!, upTo: "ready\r\n")
      try process.terminal!.writeAll([3])
      #expect(try process.wait() == .signalled(.interrupt))
    }
  }

  @Test func aChangeOfSizeSendsASignal() throws {
    try withNursery { _ in
      let process = try inTerminal("trap 'stty size; exit' WINCH; echo ready; while true; do sleep 0.01; done").start()
      _ = try text(process.terminal!, upTo: "ready\r\n")
      try process.terminal!.resize(TerminalSize(rows: 5, columns: 40))
      #expect(try text(process.terminal!, upTo: "\r\n") == "5 40\r\n")
      #expect(try process.wait() == .exited(0))
      process.terminal!.close()
      expectThrows(StreamClosedError.self) { try process.terminal!.resize(TerminalSize()) }
    }
  }

  @Test func hangingUpEndsIt() throws {
    try withNursery { _ in
      let process = try inTerminal("exec sleep 1000").start()
      process.terminal!.close()
      #expect(try process.wait() == .signalled(.hangup))
    }
  }

  @Test func errorsMayBeKeptApart() throws {
    var command = inTerminal("echo to; test -t 2 || echo apart >&2")
    command.error = .pipe
    try withNursery { _ in
      let process = try command.start()
      #expect(try text(process.terminal!, upTo: "to\r\n") == "to\r\n")
      #expect(try process.error!.read(upTo: 100) == Array("apart\n".utf8))
    }
  }

  @Test func aTerminalThatIsNotTheOutputsShowsComplaints() throws {
    let result = try (inTerminal("head -c 200000 /dev/zero >&2; echo through") | Command("cat")).run()
    #expect(result.text == "through\n")
    #expect(result.error.count == 200_000)
    var command = inTerminal("head -c 200000 /dev/zero >&2; echo apart")
    command.output = .pipe
    let own = try command.run()
    #expect(own.text == "apart\n")
    #expect(own.error.count == 200_000)
  }

  private func text(_ stream: TerminalStream, upTo end: String) throws -> String {
    var bytes: [UInt8] = []
    while !bytes.ends(with: end.utf8) {
      let part = try stream.read(upTo: 100)
      if part.isEmpty { break }
      bytes += part
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension [UInt8] {
  fileprivate func ends(with end: some BidirectionalCollection<UInt8>) -> Bool { suffix(end.count).elementsEqual(end) }
}
