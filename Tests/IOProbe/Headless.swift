import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Goes on in another thread after its first one has ended: the system shows such a process as a zombie.
func headless() throws {
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { _ in
      while mainThreadState() != "Z" { usleep(1000) }
      print("ready")
      fflush(nil)
      while true { pause() }
    }, nil)
  pthread_exit(nil)
}

private func mainThreadState() -> Character? {
  guard let file = fopen("/proc/self/stat", "r") else { return nil }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 512)
  let text = String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
  return text.lastIndex(of: ")").flatMap { text[$0...].dropFirst(2).first }
}

/// A nursery also ends such a process after it has left the process group.
func endHeadless() throws {
  try withNursery { _ in
    var command = Command("setsid", "IOProbe", "headless", output: .pipe)
    command.grace = .milliseconds(10)
    let process = try command.start()
    require(try process.output!.read(upTo: 100) == Array("ready\n".utf8), "it is not ready")
  }
  print("fine")
}
