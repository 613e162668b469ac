import Nursery
import Synchronization

/// How many bytes have been read so far: written by the readers, shown by the progress line.
final class ByteCounter: Sendable {
  private let bytes = Atomic(0)

  func add(_ count: Int) { bytes.add(count, ordering: .relaxed) }

  var megabytes: Int { bytes.load(ordering: .relaxed) / 1_000_000 }
}

/// Keeps a line about the progress on the terminal until it is cancelled; short runs do not see it.
func showProgress(_ bytesRead: ByteCounter) throws {
  guard isErrorOutputTerminal() else { return }
  try sleep(for: .milliseconds(300))
  // However the work ends, `sleep` then throws, and the line is erased before anything else is printed.
  defer { writeError("\r\u{1B}[K") }
  while true {
    writeError("\r\(bytesRead.megabytes) MB read")
    try sleep(for: .milliseconds(100))
  }
}
