import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Started without descriptors 0, 1 and 2; writes its messages to 3.
func missing() throws {
  var template = Array("/tmp/nursery-missing.XXXXXX".utf8CString)
  let made = mkstemp(&template)
  close(made)
  let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  defer { unlink(path) }
  func check(_ condition: Bool, _ what: String) {
    if condition { return }
    _ = write(3, "failed: \(what)\n", what.utf8.count + 9)
    exit(1)
  }
  check(made > 2, "a file has the number \(made)")
  try runFibers(Configuration(parallelism: 1)) {
    let file = try FileStream(path, .write)
    let (reader, writer) = try PipeStream.pair()
    let listener = try TCPListener(port: 0)
    let numbers = [file.fileDescriptor, reader.fileDescriptor, writer.fileDescriptor, listener.fileDescriptor]
    check(numbers.allSatisfy { $0 > 2 }, "the numbers \(numbers)")
    print("this must not end up in the file")
    fflush(nil)

    func fails<Failure: Error>(_ type: Failure.Type, _ body: () throws -> Void) -> Bool {
      do { try body() } catch { return error is Failure }
      return false
    }
    check(fails(StreamClosedError.self) { try StandardStream.output.writeAll("lost") }, "output was written")
    check(fails(StreamClosedError.self) { _ = try StandardStream.input.read(upTo: 1) }, "input was read")
    check(StandardStream.error.isClosed, "standard error is open")
    check(fails(SystemError.self) { _ = try PipeStream(adopting: 0) }, "0 was adopted")
    check(fails(LaunchError.self) { _ = try Command("true", output: .inherit).run() }, "output was inherited")
    check(fails(LaunchError.self) { _ = try Command("true", input: .descriptor(0)).run() }, "0 was handed on")
    check(fails(LaunchError.self) { _ = try Command("true").start() }, "output and errors were inherited")
    check(try Command("cat").run(input: "hello").text == "hello", "nothing was captured")

    // The program may put files in their places.
    dup2(file.fileDescriptor, 1)
    try Command("echo", "inherited", output: .inherit, error: .null).run().requireSuccess()
  }
  check(try Command("cat", path).run().text == "inherited\n", "another text in the file")
  _ = write(3, "fine\n", 5)
}

/// Standard output is not read until a fiber of the same worker reads it.
///
/// - Parameter isForeign: whether it belongs to another user; only root can test that.
func unreadOutput(_ kind: String, isForeign: Bool = false) throws {
  let result = dup(1)
  var ends: [CInt] = [0, 0]
  switch kind {
  case "pipe": require(pipe(&ends) == 0, "no pipe")
  case "socket": require(socketpair(AF_UNIX, numericCast(SOCK_STREAM.rawValue), 0, &ends) == 0, "no socket")
  default:
    let terminal = try System.makeTerminal(rows: 24, columns: 80)
    ends = [terminal.own, terminal.childs]
  }
  dup2(ends[1], 1)
  if isForeign, getuid() == 0 {
    let nobody: uid_t = 65534
    require(setuid(nobody) == 0, "cannot become another user")
  }
  let text = String(repeating: "0123456789\n", count: 50_000)
  let isSame = try runFibers(Configuration(parallelism: 1)) {
    try withNursery { nursery in
      nursery.goAsync { try StandardStream.output.writeAll(text) }
      waitUntilAllParked()
      let reader = try PipeStream(adopting: ends[0])
      var bytes: [UInt8] = []
      while bytes.count < text.utf8.count {
        bytes += try reader.read(upTo: 1 << 16).filter { $0 != UInt8(ascii: "\r") }
      }
      return bytes == Array(text.utf8)
    }
  }
  dup2(result, 1)
  require(isSame, "another text was read")
  require(fcntl(ends[1], F_GETFL) & O_NONBLOCK == 0, "what others share does not block any more")
  print("fine")
}

/// Typed lines are read from a terminal, also after abandoned reads.
func typedInput() throws {
  let terminal = try System.makeTerminal(rows: 24, columns: 80)
  dup2(terminal.childs, 0)
  try runFibers(Configuration(parallelism: 1)) {
    let keyboard = try PipeStream(adopting: terminal.own)
    let reader = BufferedReader(StandardStream.input)
    for line in ["one", "two"] {
      let none = try withTimeoutOrNil(.milliseconds(10)) { try reader.readLine() }
      require(none == nil, "something was typed")
      try keyboard.writeAll("\(line)\n")
      require(try reader.readLine() == line, "another line")
    }
  }
  print("fine")
}
