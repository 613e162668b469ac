import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Eight fibers write programs, close them and run them at once, 3,000 in all; two others check that closed descriptors
/// are closed.
func launches() throws {
  let launchers = 8
  let count = 3000
  var template = Array("/tmp/nursery-launches.XXXXXX".utf8CString)
  require(mkdtemp(&template) != nil, "no directory")
  let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  defer { rmdir(folder) }
  try runFibers(Configuration(parallelism: 4)) {
    // From here on the launcher runs.
    try Command("true").run().requireSuccess()
    let (busy, closes) = try withNursery { nursery in
      let isOver = Condition()
      let checkers = [goAsync { try checkPipes(until: isOver) }, goAsync { try checkPorts(until: isOver) }]
      let busy = try (0..<launchers).concurrentMap(limit: launchers) { launcher in
        var busy = 0
        for _ in 0..<(count / launchers) where try !runsJustWritten("\(folder)/\(launcher)") { busy += 1 }
        return busy
      }
      isOver.signal()
      return (busy.reduce(0, +), try checkers.map { try $0.wait() })
    }
    require(busy == 0, "\(busy) of \(count) programs were open for writing when they were run")
    require(closes.allSatisfy { $0 > 100 }, "only \(closes) pipes and ports have been closed")
  }
  print("fine")
}

/// Returns false if the program counts as open for writing.
private func runsJustWritten(_ path: String) throws -> Bool {
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o700)
  require(file >= 0, "cannot write \(path)")
  let text = "#!/bin/true\n"
  require(write(file, text, text.utf8.count) == text.utf8.count, "cannot write \(path)")
  close(file)
  defer { unlink(path) }
  do {
    return try Command(path, output: .null, error: .null).run().isSuccess
  } catch let error as LaunchError where error.cause.code == ETXTBSY { return false }
}

/// A pipe reads as ended as soon as its writing end is closed.
private func checkPipes(until isOver: Condition) throws -> Int {
  var count = 0
  while !isOver.isSignalled {
    let (reader, writer) = try PipeStream.pair()
    try sleep(for: .microseconds(300))
    writer.close()
    let result = try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { try reader.tryRead(into: $0) }
    require(result == 0, "a pipe whose writing end is closed has not ended")
    reader.close()
    count += 1
  }
  return count
}

/// A port refuses connections as soon as it is closed.
private func checkPorts(until isOver: Condition) throws -> Int {
  var count = 0
  while !isOver.isSignalled {
    let listener = try TCPListener(port: 0)
    try sleep(for: .microseconds(300))
    listener.close()
    do {
      _ = try TCPStream.connect(to: listener.address)
      require(false, "a closed port accepts")
    } catch let error as SystemError { require(error.code == ECONNREFUSED, "another error: \(error)") }
    count += 1
  }
  return count
}
