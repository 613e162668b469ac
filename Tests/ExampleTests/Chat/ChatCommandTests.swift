import ChatServer
import Nursery
import TestSupport
import Testing

@Suite struct ChatCommandTests {
  @Test func aNameThatIsTakenIsRefusedUntilItsOwnerLeavesOrChangesIt() throws {
    try withVisitors(3) { visitors, _ in
      let (first, second, third) = (visitors[0], visitors[1], visitors[2])
      expectEqual(try first.ask("/nick Ada"), "* guest1 is now Ada")
      expectEqual(try second.hear(), "* guest1 is now Ada")
      for name in ["Ada", "ada", "ADA"] {
        expectEqual(try second.ask("/nick \(name)"), "! Ada is taken; choose another name")
      }
      expectEqual(try first.ask("/nick ada"), "* Ada is now ada")
      expectEqual(try first.ask("/nick bob"), "* ada is now bob")
      expectEqual(try second.hear(2), ["* Ada is now ada", "* ada is now bob"])
      expectEqual(try second.ask("/nick Ada"), "* guest2 is now Ada")
      expectEqual(try first.hear(), "* guest2 is now Ada")
      first.leave()
      expectEqual(try second.hear(), "* bob has left")
      expectEqual(try second.ask("/nick bob"), "* Ada is now bob")
      expectEqual(try second.ask("hi"), "<bob> hi")
      expectEqual(try third.ask("/who")?.isEmpty, false)
    }
  }

  @Test(arguments: ["", "two words", "a!", "\u{1B}[2J", String(repeating: "x", count: 21)])
  func aNameThatIsNoneIsRefusedWithItsRule(name: String) throws {
    try withVisitors(1) { visitors, _ in
      let rule = "! a name is 1 to 20 letters, digits, '-' or '_', as in /nick ada"
      expectEqual(try visitors[0].ask("/nick \(name)"), rule)
      expectEqual(
        try visitors[0].ask("/nick Guest7"), "! names that begin with 'guest' are given by the server; choose another")
      expectEqual(try visitors[0].ask("/nick J\u{FC}rgen-2_"), "* guest1 is now J\u{FC}rgen-2_")
    }
  }

  @Test func aLineThatIsTooLongIsSkippedAndItsClientTold() throws {
    var options = ChatOptions()
    options.lineLimit = 10
    try withVisitors(2, options) { visitors, _ in
      for count in [11, 1024, 100_000] {
        try visitors[0].say(String(repeating: "x", count: count))
        expectEqual(try visitors[0].hear(), "! a line has at most 10 bytes; yours has not been said")
      }
      expectEqual(try visitors[0].ask("0123456789"), "<guest1> 0123456789")
      expectEqual(try visitors[1].hear(), "<guest1> 0123456789")
    }
  }

  @Test func aClientBeyondTheLimitIsRefusedWithAText() throws {
    var options = ChatOptions()
    options.clientLimit = 2
    try withVisitors(2, options) { visitors, server in
      let output = MemoryPipe()
      try server.serve(MemoryPipe().reader, output.writer)
      expectEqual(
        try BufferedReader(output.reader).readLine(), "! the room is full with 2 clients; try again later")
      expectEqual(try visitors[0].ask("/quit"), "* goodbye, guest1")
      expectEqual(try visitors[0].hear(), nil)
      expectEqual(try visitors[1].ask("/who"), "* here: guest2")
    }
  }

  @Test func whatControlsATerminalIsReplacedAndUnknownCommandsAreExplained() throws {
    try withVisitors(1) { visitors, _ in
      try visitors[0].say("\r\n  ")
      expectEqual(try visitors[0].ask("a\u{1B}[2Jb\tc"), "<guest1> a\u{FFFD}[2Jb\u{FFFD}c")
      expectEqual(try visitors[0].ask("/x")?.hasPrefix("! there is no /x; /nick NAME changes"), true)
    }
  }
}
