import Nursery
import Synchronization

/// How many bytes have been read so far: written by the readers, shown by the progress line.
final class ByteCounter: Sendable {
  private let bytes = Atomic(0)

  func add(_ count: Int) { bytes.add(count, ordering: .relaxed) }

  var megabytes: Int { bytes.load(ordering: .relaxed) / 1_000_000 }
}

/// Shows the progress in a line on the terminal until it is cancelled; not in short runs.
func showProgress(_ bytesRead: ByteCounter) throws {
  guard isErrorOutputTerminal() else { return }
  try sleep(for: .milliseconds(300))
  // When the work ends in any way, `sleep` throws, and the line is erased before anything else is printed.
  defer { writeError("\r\u{1B}[K") }
  while true {
    writeError("\r\(bytesRead.megabytes) MB read")
    try sleep(for: .milliseconds(100))
  }
}
